"""Orders, a recording reporter, and versions built without a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from indexing.building.pipeline import Built, Order, build
from indexing.lib import paths
from indexing.lib.messages import Message
from indexing.snapshot.engine import Engine
from indexing.snapshot.files_engine import FILES
from indexing.snapshot.reader import Snapshot

FULL = Order(kind="full", reembed=False, fence=1, number=1, previous=None, exact_up_to=50_000, tag_threshold=0.25)
TAGS = replace(FULL, kind="tags", number=None)

ALL_STAGES = ["snapshot", "embed", "tag", "vectors", "keywords", "verify"]


@dataclass
class RecordedStage:
    name: str
    total: int = 0
    done: int = 0
    sentence: str = ""
    stop: Callable[[RecordedStage], None] = lambda stage: None

    def expect(self, total: int) -> None:
        self.total = total

    def advance(self, count: int = 1) -> None:
        self.done += count
        self.stop(self)

    def summarise(self, sentence: Message) -> None:
        self.sentence = sentence


@dataclass
class RecordingReporter:
    """Records every stage; `stop(stage)` is called at each advance and may raise, as cancelling does."""

    stop: Callable[[RecordedStage], None] = lambda stage: None
    stages: list[RecordedStage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[RecordedStage]:
        stage = RecordedStage(name, stop=self.stop)
        self.stages.append(stage)
        yield stage

    def __getitem__(self, name: str) -> RecordedStage:
        return next(stage for stage in self.stages if stage.name == name)


engine: Engine = FILES
"""What versions that are built without a run are searched with."""


def built(order: Order = FULL) -> Built:
    return build(replace(order, engine=engine), RecordingReporter())


def built_snapshot(order: Order = FULL) -> Snapshot:
    """Build a version of the directory as it is, and open it."""
    made = built(order)
    assert made.folder is not None
    return Snapshot.open(made.folder, manifest_sha256=made.manifest_sha256, engines={engine.name: engine})


def left_over() -> list[str]:
    folder = paths.versions_folder()
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def next_order(number: int = 2, **changes: object) -> Order:
    return replace(FULL, number=number, fence=number, previous=paths.version_folder(number - 1), **changes)
