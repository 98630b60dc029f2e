"""Where the vectors of versions are searched: in their files, or in the Milvus that the settings name."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from indexing.errors import IndexingError
from indexing.lib.messages import message
from indexing.lib.process_state import ProcessState
from indexing.snapshot.engine import Engine
from indexing.snapshot.files_engine import FILES
from indexing.snapshot.manifest import MILVUS
from indexing.snapshot.milvus_engine import MilvusEngine
from indexing.snapshot.reader import ENGINES

_milvus: ProcessState[MilvusEngine] = ProcessState(
    lambda: MilvusEngine(settings.TCS_MILVUS_URI, settings.TCS_MILVUS_TOKEN)
)


def milvus() -> MilvusEngine | None:
    """The Milvus of this installation; None if there is none."""
    return _milvus.get() if settings.TCS_MILVUS_URI else None


def available() -> Mapping[str, Engine]:
    """The engines that versions can be opened with, by the name in their manifests."""
    found = milvus()
    return {**ENGINES, found.name: found} if found else ENGINES


def for_new_versions() -> Engine:
    """The one that versions are built with from now on. Raises IndexingError if its address is missing."""
    if settings.TCS_VECTORS != MILVUS:
        return FILES
    found = milvus()
    if found is None:
        raise IndexingError(message("TCS_VECTORS is milvus: set TCS_MILVUS_URI to the address of Milvus as well."))
    return found
