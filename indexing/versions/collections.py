"""The collections of this database's versions in Milvus: which one others may read, which stay in its memory, and
which nobody needs any more.

The rows of the database say what is live. The alias only follows them, for programs beside TCS.
"""

from __future__ import annotations

import logging

from django.utils.translation import gettext_noop

from indexing.errors import VectorsUnavailable
from indexing.models import IndexState, IndexVersion, Publication, ServingProcess
from indexing.snapshot.milvus_engine import MilvusEngine, collection_name
from indexing.versions import engines

logger = logging.getLogger(__name__)
State = IndexVersion.State

ALIAS = "tcs_live"


def follow_live() -> None:
    """Have the alias name the collection of the live version, if it has one. What fails is logged, and tried again
    after the next run."""
    milvus, live = engines.milvus(), IndexState.read().live_version
    if milvus is None or live is None:
        return
    name = collection_name(live.number, live.run.fence)
    try:
        if any(each.name == name for each in milvus.collections()):
            milvus.point_alias(ALIAS, name)
    except VectorsUnavailable as error:
        logger.warning(gettext_noop("The alias %s in Milvus was not moved. %s"), ALIAS, error)


def sweep() -> None:
    """Drop the collections that belong to no kept version of this database, and release those that nobody serves.

    One that has an alias is never dropped. What fails is logged, and tried again after the next run.
    """
    milvus = engines.milvus()
    if milvus is None:
        return
    try:
        _sweep(milvus)
    except VectorsUnavailable as error:
        logger.warning(gettext_noop("Collections in Milvus were not cleaned up. %s"), error)
    else:
        follow_live()


def _sweep(milvus: MilvusEngine) -> None:
    # Listed before rows are read, and a row is there before its collection: as in `indexing.versions.sweep`.
    everything = milvus.collections()
    database = IndexState.read().database_id
    own = [each for each in everything if each.database == database]
    kept = _kept()
    for each in own:
        if (each.number, each.fence) not in kept and not each.is_aliased:
            milvus.drop_collection(each.name)
            logger.info(gettext_noop("Deleted collection %s in Milvus."), each.name)
    for each in own:
        if (each.number, each.fence) in kept - _needed(kept) and milvus.is_loaded(each.name):
            milvus.release(each.name)
            logger.info(gettext_noop("Released collection %s: it is loaded again when it is needed."), each.name)


def _kept() -> set[tuple[int, int]]:
    """Number and fence of every version that is not deleted."""
    return set(IndexVersion.objects.exclude(state=State.DELETED).values_list("number", "run__fence"))


def _needed(kept: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those that stay in Milvus' memory: the live version, the one before it, those that wait for a decision or are
    being built, and what any process serves."""
    states = (State.LIVE, State.HELD, State.BUILDING)
    numbers = set(IndexVersion.objects.filter(state__in=states).values_list("number", flat=True))
    numbers |= {number for number in ServingProcess.objects.values_list("version_number", flat=True) if number}
    current = Publication.objects.current()
    before = Publication.objects.before(current) if current else None
    if before is not None:
        numbers.add(before.version_id)
    return {(number, fence) for number, fence in kept if number in numbers}
