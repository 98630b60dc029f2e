"""How long it takes to measure drift; runs in a process with a data folder of its own."""

from __future__ import annotations

import hashlib
import os
import resource
import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from django.db.models import F, Value
from django.db.models.functions import Concat, Mod

from experts import directory
from experts.models import Expert, ExpertTag, Tag
from experts.profiles.hashes import field_hashes
from experts.profiles.records import FIELDS
from experts.profiles.text import TEMPLATE_VERSION
from experts.samples import generator
from indexing import drift
from indexing.lib import paths
from indexing.snapshot.baseline import Baseline
from indexing.snapshot.manifest import EXACT, Manifest
from indexing.snapshot.profiles import Profiles
from indexing.snapshot.writer import FIELD_HASHES, IDS, VersionWriter

TAGS_EACH = 3
BATCH = 5_000
ONE_IN = (0, 100, 1)
"""One in how many experts has changed; 0: nobody has."""


@dataclass(frozen=True, slots=True)
class DriftMeasurement:
    """Seconds, the median of several times: by the clock, and of this process's own processor time."""

    experts: int
    changed: int
    seconds: float
    cpu_seconds: float
    load: float
    """Of the machine over the last minute: how far the clock can be trusted."""


def measure(count: int, times: int) -> dict[str, object]:
    """A directory of `count` samples, compared with a version of it before and after changes."""
    generator.load_samples(count)
    _tag()
    began = time.perf_counter()
    version, stored = _version()
    written = time.perf_counter() - began
    found = []
    for one_in in ONE_IN:
        if one_in:
            some = Expert.objects.annotate(turn=Mod(F("pk"), Value(one_in))).filter(turn=0)
            some.update(bio=Concat(F("bio"), Value(" More.")))
        found.append(_timed(version, count, times))
    return {
        "experts": count,
        "profile_bytes": stored,
        "seconds_to_write": round(written, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "measured": found,
    }


def _timed(version: Baseline, count: int, times: int) -> DriftMeasurement:
    clock, work = [], []
    for _ in range(times):
        began, worked = time.perf_counter(), time.process_time()
        found = drift.measure(version)
        clock.append(time.perf_counter() - began)
        work.append(time.process_time() - worked)
    seconds, cpu = (round(statistics.median(taken), 3) for taken in (clock, work))
    return DriftMeasurement(count, len(found.changed), seconds, cpu, round(os.getloadavg()[0], 1))


def _tag() -> None:
    """Three tags for everybody; for every fifth expert one of them is manual."""
    tags = list(Tag.objects.values_list("pk", flat=True))
    rows = [
        ExpertTag(
            expert_id=expert,
            tag_id=tags[(expert + turn) % len(tags)],
            source=ExpertTag.Source.AUTO if turn or expert % 5 else ExpertTag.Source.MANUAL,
        )
        for expert in Expert.objects.order_by("pk").values_list("pk", flat=True)
        for turn in range(TAGS_EACH)
    ]
    ExpertTag.objects.bulk_create(rows, batch_size=BATCH)


def _version() -> tuple[Baseline, int]:
    """A version of everybody with the files that drift reads, and how many bytes the profiles take."""
    experts = directory.read_active()
    with VersionWriter(paths.building_folder(1, 1), paths.version_folder(1), 1) as writer:
        writer.save(IDS, np.array([expert.id for expert in experts], np.int64))
        writer.save(FIELD_HASHES, field_hashes(experts))
        writer.save_profiles(Profiles.from_records(experts))
        manifest = Manifest(
            number=1,
            fence=1,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            model_name="none",
            fingerprint="none",
            dimension=0,
            count=len(experts),
            template_version=TEMPLATE_VERSION,
            ann_kind=EXACT,
            ann_recall=None,
            passages=0,
            passage_rule=0,
            files=writer.seal(),
            fields=tuple(FIELDS),
        )
        folder = writer.finish(manifest.to_bytes())
    stored = sum(entry.bytes for name, entry in manifest.files.items() if name not in (IDS, FIELD_HASHES))
    return Baseline.open(folder, hashlib.sha256(manifest.to_bytes()).hexdigest()), stored
