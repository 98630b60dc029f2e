"""Gathers what the gate judges a new version by. Here, because it opens and searches versions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from experts.models import Expert, ExpertQuerySet, RemovedSamples
from experts.stored_language import stored_language
from indexing.building.pipeline import Built
from indexing.errors import EncoderUnavailable, SnapshotInvalid
from indexing.lib.messages import message
from indexing.models import IndexState, IndexVersion, SearchTest
from indexing.models.search_tests import UNWANTED_WITHIN
from indexing.quality import search_test_scores
from indexing.quality.evidence import Evidence, QueryOutcome
from indexing.quality.overlap import OVERLAP_AT
from indexing.search import Mode, search
from indexing.snapshot.baseline import Baseline
from indexing.snapshot.profiles import Profile, by_name, name_of
from indexing.snapshot.reader import Snapshot
from indexing.versions import engines
from indexing.versions.opening import open_baseline, open_snapshot

logger = logging.getLogger(__name__)

T = TypeVar("T")


def gather(built: Built) -> Evidence:
    """Compare the version that was built, from the directory as read at its start, with the live one."""
    assert built.folder is not None  # noqa: S101  a full build always has one
    tests = [*SearchTest.objects.filter(is_active=True)]
    new = Baseline.open(built.folder, built.manifest_sha256)
    live = _live_version(open_baseline)
    read = {*new.ids.tolist(), *built.left_out}
    had = np.setdiff1d(live.ids, _removed_samples()) if live else new.ids[:0]
    return Evidence(
        experts=built.experts,
        live_number=live.number if live else None,
        live_experts=len(had),
        lost=_names(live, np.setdiff1d(had, new.ids)) if live else (),
        gained=_names(new, np.setdiff1d(new.ids, live.ids)) if live else (),
        without_text=built.without_text,
        failed=built.failed,
        recall=new.manifest.ann_recall,
        queries=_query_outcomes(tests, built, read) if tests else (),
    )


def _query_outcomes(tests: Sequence[SearchTest], built: Built, read: Collection[int]) -> tuple[QueryOutcome, ...]:
    """Opens both versions whole, which nothing else here needs."""
    assert built.folder is not None  # noqa: S101  as in `gather`
    new = Snapshot.open(
        built.folder, manifest_sha256=built.manifest_sha256, check_hashes=False, engines=engines.available()
    )
    live = _live_version(open_snapshot)
    return tuple(_query_outcome(query, new, live, read) for query in tests)


def _removed_samples() -> NDArray[np.int64]:
    """The sample experts who were removed at once: a version without them has lost nobody."""
    return np.array([pk for each in RemovedSamples.objects.all() for pk in each.ids], dtype=np.int64)


def _live_version(opened: Callable[[IndexVersion], T]) -> T | None:
    """The live version; None if there is none, or if it is damaged: then nothing is compared."""
    version: IndexVersion | None = IndexState.read().live_version
    if version is None:
        return None
    try:
        return opened(version)
    except SnapshotInvalid as error:
        logger.warning(message("The new version cannot be compared with the live one: %(error)s", error=error))
        return None


def _query_outcome(query: SearchTest, new: Snapshot, live: Snapshot | None, read: Collection[int]) -> QueryOutcome:
    """What the query finds before and after. Experts whose ids are not in `read` were added too late to be missed."""
    after, before = _usernames_found(query, new) or (), _usernames_found(query, live) if live else None
    expected, unwanted = (_names_in(people, read) for people in (query.expected.active(), query.unwanted.active()))
    found = search_test_scores.judge(after, query.k, expected, unwanted)
    earlier = None if before is None else search_test_scores.judge(before, query.k, expected, unwanted)
    return QueryOutcome(
        text=query.text,
        k=query.k,
        missing=found.missing,
        before=before or (),
        after=after,
        unwanted=found.unwanted,
        score=found.score,
        score_before=earlier.score if earlier else None,
    )


def _names_in(people: ExpertQuerySet, read: Collection[int]) -> tuple[str, ...]:
    known = people.order_by("username").values_list("pk", "username")
    return tuple(name for key, name in known if key in read)


def _usernames_found(query: SearchTest, snapshot: Snapshot) -> tuple[str, ...] | None:
    """Best first; None if the version cannot be searched: the live one may be of another model."""
    try:
        results = search(query.text, snapshot, max(query.k, OVERLAP_AT, UNWANTED_WITHIN), Mode.HYBRID)
    except EncoderUnavailable:
        return None
    return tuple(hit.expert.username for hit in results.hits)


def _names(version: Baseline, ids: NDArray[np.int64]) -> tuple[str, ...]:
    """Names and usernames as the version has them, by name: it also knows those who were deleted since."""
    wanted: list[int] = ids.tolist()
    profiles = version.profiles_of(wanted)
    if not profiles:  # built by an older release, which stored none
        return _usernames(wanted)
    wanted.sort(key=lambda each: by_name(profiles[each], each))
    return tuple(_named(profiles[each]) for each in wanted)


def _named(profile: Profile) -> str:
    name, username = name_of(profile), profile.get("username", "")
    return name if name == username else f"{name} ({username})"


def _usernames(wanted: Sequence[int]) -> tuple[str, ...]:
    known: dict[int, str] = {}
    for start in range(0, len(wanted), 500):
        some = wanted[start : start + 500]
        known |= dict(Expert.objects.filter(pk__in=some).values_list("pk", "username"))
    with stored_language():  # the gate's report is read by everybody
        return tuple(sorted(known.get(key, _("number %(id)s (deleted)") % {"id": key}) for key in wanted))
