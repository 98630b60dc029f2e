"""What the live version does not know yet, and what a rebuild would do about it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experts import directory
from experts.profile import (
    FIELDS,
    HASH_BYTES,
    TEMPLATE_VERSION,
    ExpertRecord,
    field_hashes,
    profile_text,
    text_hash,
)
from indexing import paths
from indexing.models import RebuildRun
from indexing.snapshot.reader import Snapshot

BYTES_AN_EXPERT = 4_000
"""Of a version's files, where there is no version to go by: two times 384 floats, and the words."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Expert ids int64[...] by what became of them since the version was built; exact, by identity and content."""

    number: int
    experts: int
    added: NDArray[np.int64]
    changed: NDArray[np.int64]
    """of whom the version holds something else: the embedded text, or another of `experts.profile.FIELDS`"""
    removed: NDArray[np.int64]
    """deleted or deactivated"""
    fields: dict[str, int]
    """field of `experts.profile.FIELDS` -> how many experts changed in it; only those that anybody changed in"""

    @property
    def count(self) -> int:
        return len(self.added) + len(self.changed) + len(self.removed)

    @property
    def share(self) -> float:
        """Of the version's experts; can be above 1."""
        return self.count / self.experts if self.experts else float(self.count > 0)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a full rebuild would do now."""

    experts: int
    added: int
    changed: int
    fields: dict[str, int]
    """field -> how many experts changed in it; one expert may count in several"""
    removed: int
    to_encode: int
    to_reuse: int
    bytes_needed: int
    bytes_free: int
    seconds: float | None
    """from earlier runs; None without any to go by"""


def measure(snapshot: Snapshot) -> Drift:
    """Compare the version with the directory as it is now."""
    return _compare(snapshot, directory.read_active())


def plan(snapshot: Snapshot | None, *, reembed: bool = False) -> Plan:
    """What a rebuild would do, without doing any of it. `snapshot` is the live version, if there is one."""
    experts = directory.read_active()
    drift = _compare(snapshot, experts) if snapshot else None
    known = _known_hashes(snapshot) if snapshot and not reembed else frozenset()
    fingerprint = snapshot.manifest.fingerprint if snapshot else ""
    to_reuse = sum(text_hash(fingerprint, profile_text(expert)) in known for expert in experts) if known else 0
    each = snapshot.manifest.bytes / len(snapshot) if snapshot and len(snapshot) else BYTES_AN_EXPERT
    return Plan(
        experts=len(experts),
        added=len(drift.added) if drift else len(experts),
        changed=len(drift.changed) if drift else 0,
        fields=drift.fields if drift else {},
        removed=len(drift.removed) if drift else 0,
        to_encode=len(experts) - to_reuse,
        to_reuse=to_reuse,
        bytes_needed=int(each * len(experts)),
        bytes_free=shutil.disk_usage(paths.existing(paths.versions_folder())).free,
        seconds=_seconds(len(experts), len(experts) - to_reuse),
    )


def _compare(snapshot: Snapshot, experts: list[ExpertRecord]) -> Drift:
    ids = np.array([expert.id for expert in experts], np.int64)
    _common, now, then = np.intersect1d(ids, snapshot.ids, assume_unique=True, return_indices=True)
    fingerprint = snapshot.manifest.fingerprint
    hashes = b"".join(text_hash(fingerprint, profile_text(experts[row])) for row in now.tolist())
    rows = np.frombuffer(hashes, np.uint8).reshape(-1, HASH_BYTES)
    in_field = field_hashes([experts[row] for row in now.tolist()]) != snapshot.field_hashes[then]
    # The text's own hash tells of a changed template too, which no field does.
    differs = np.any(rows != snapshot.text_hashes[then], axis=1) | in_field.any(axis=1)
    return Drift(
        number=snapshot.number,
        experts=len(snapshot),
        added=np.setdiff1d(ids, snapshot.ids, assume_unique=True),
        changed=ids[now[differs]],
        removed=np.setdiff1d(snapshot.ids, ids, assume_unique=True),
        fields={name: count for name, count in zip(FIELDS, in_field.sum(axis=0).tolist(), strict=True) if count},
    )


def _known_hashes(snapshot: Snapshot) -> frozenset[bytes]:
    if snapshot.manifest.template_version != TEMPLATE_VERSION:
        return frozenset()
    raw = snapshot.text_hashes.tobytes()
    return frozenset(raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES))


def _seconds(experts: int, to_encode: int) -> float | None:
    """The last full run's seconds: encoding in proportion to the texts encoded, the rest to the experts."""
    done = RebuildRun.objects.filter(kind=RebuildRun.Kind.FULL, state=RebuildRun.State.DONE, experts__gt=0)
    last = done.order_by("-pk").first()
    encoding = done.filter(encoded__gt=0).order_by("-pk").first()
    if last is None or encoding is None or not last.experts or not encoding.encoded:
        return None
    a_text = _stage_seconds(encoding, "embed") / encoding.encoded
    rest = sum(stage["seconds"] for stage in last.stages if stage["stage"] != "embed")
    return to_encode * a_text + rest * experts / last.experts


def _stage_seconds(run: RebuildRun, name: str) -> float:
    return float(next((stage["seconds"] for stage in run.stages if stage["stage"] == name), 0.0))
