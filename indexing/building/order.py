"""What the worker orders a build to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from indexing.snapshot import recall
from indexing.snapshot.engine import Engine
from indexing.snapshot.files_engine import FILES
from indexing.snapshot.synonyms import NONE, Synonyms


@dataclass(frozen=True, slots=True)
class Order:
    """What to build. `number` is None for the kind "tags", which builds no version."""

    kind: Literal["full", "tags"]
    reembed: bool
    fence: int
    number: int | None
    previous: Path | None
    """The folder of the live version, whose vectors may be reused; None without one."""
    exact_up_to: int
    tag_threshold: float
    synonyms: Synonyms = NONE
    """Which the version has from now on."""
    recall: float = recall.WANTED
    """recall@10 that an approximate index has to reach, or else the version gets none."""
    database: str = ""
    """The id of the database that orders it: what is written is marked with it."""
    engine: Engine = FILES
    """What searches the vectors of the version."""
    encoded: Path | None = None
    """The folder of what earlier builds have encoded (`indexing.building.shards`); None: nothing is stored before
    the version is complete."""
    scheduler: str = ""
    """The address of the Dask scheduler whose workers encode; empty: this machine does."""
    processes: int = 1
    """How many encode on this machine; 1: this process alone does."""
