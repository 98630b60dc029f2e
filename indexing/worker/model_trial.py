"""Compares a model with the current one before anybody switches to it. Nothing is published or stored."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from experts import directory
from experts.profiles.text import profile_text
from indexing.building import pipeline
from indexing.building.layout import lay_out
from indexing.building.order import Order
from indexing.encoders import Encoder
from indexing.errors import IndexingError
from indexing.lib.messages import Message, message
from indexing.quality.evaluation import Evaluation, JudgedQuery, evaluate
from indexing.quality.significance import paired_p
from indexing.search import Mode
from indexing.snapshot.reader import Snapshot

SAMPLE = 64
"""Experts who are encoded first, to estimate how long all of them take."""

Show = Callable[[str, int, int], None]
"""Called with a stage, what is done and what there is to do. What it raises ends the trial."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The measures of both models, over the same queries."""

    current: Evaluation
    other: Evaluation
    p: Mapping[Mode, float]
    """Two-sided p of the difference of nDCG@10: how likely one as large is by chance."""


def seconds_to_encode(encoder: Encoder) -> tuple[int, float]:
    """How many active experts there are, and about how many seconds it takes to encode them.

    Raises EncoderUnavailable.
    """
    encoder.load()
    experts = directory.read_active()
    sample = experts[:: max(1, len(experts) // SAMPLE)][:SAMPLE]
    began = time.monotonic()
    encoder.encode(list(lay_out(sample, encoder, None).texts.values()))
    letters = [sum(len(profile_text(expert)) for expert in each) for each in (experts, sample)]
    return len(experts), (time.monotonic() - began) * letters[0] / max(1, letters[1])


def compare(
    encoder: Encoder, queries: Sequence[JudgedQuery], live: Snapshot, modes: Sequence[Mode], show: Show
) -> Trial:
    """Measure the queries on the `live` version, and on one that the model of `encoder` makes of the directory.

    That one is built in a temporary folder and deleted. Tags, which depend on the model too, stay as they are.
    Raises the IndexingError family, and what `show` raises to stop it.
    """
    steps = _Steps(show, "search", len(queries) * len(modes) * 2)
    current = evaluate(queries, live, modes, progress=steps.advance)
    order = Order(
        kind="full",
        reembed=True,
        fence=0,
        number=live.number,
        previous=None,
        exact_up_to=settings.TCS_EXACT_UP_TO,
        tag_threshold=settings.TCS_TAG_THRESHOLD,
        synonyms=live.keywords.analysis.synonyms,
    )
    with tempfile.TemporaryDirectory(prefix="tcs-model-") as folder:
        built = pipeline.build_aside(encoder, order, Path(folder), _Stages(show))
        snapshot = Snapshot.open(built, check_hashes=False)
        other = evaluate(queries, snapshot, modes, encoder=encoder, progress=steps.advance)
    if other.queries != current.queries:
        raise IndexingError(message("The directory changed while the models were compared. Try again."))
    p = {mode: paired_p(current.modes[mode].gains, other.modes[mode].gains) for mode in current.modes}
    return Trial(current, other, p)


class _Steps:
    """The progress of one stage."""

    def __init__(self, show: Show, name: str, total: int = 0) -> None:
        self._show, self._name, self._done, self._total = show, name, 0, total

    def expect(self, total: int) -> None:
        self._done, self._total = 0, total

    def advance(self, count: int = 1) -> None:
        self._done += count
        self._show(self._name, self._done, self._total)

    def summarise(self, sentence: Message) -> None:
        """Nobody keeps a log of a trial."""


class _Stages:
    """Shows the stages of a build that is nobody's run."""

    def __init__(self, show: Show) -> None:
        self._show = show

    @contextmanager
    def stage(self, name: str) -> Iterator[_Steps]:
        self._show(name, 0, 0)
        yield _Steps(self._show, name)
