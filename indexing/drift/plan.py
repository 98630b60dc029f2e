"""What a full rebuild would do now, worked out without doing any of it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from experts import directory
from experts.profiles.hashes import HASH_BYTES, directory_rows, text_hash
from experts.profiles.passages import ONE_UP_TO, RULE
from experts.profiles.record_file import RecordFile
from experts.profiles.records import ExpertRecord
from experts.profiles.text import TEMPLATE_VERSION, profile_text
from indexing.drift.measurement import compare
from indexing.lib import paths
from indexing.runs import estimates
from indexing.snapshot.reader import Snapshot

BYTES_PER_EXPERT = 4_500
"""Estimated size of the files for each expert of a first version: twice 384 floats, the words and the profile."""


@dataclass(frozen=True, slots=True)
class RebuildPlan:
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
    """estimated from earlier runs; None without comparable ones"""


def plan_rebuild(snapshot: Snapshot | None, *, reembed: bool = False) -> RebuildPlan:
    """Compare the directory with the live version `snapshot`, if there is one. `reembed`: reuse no vector."""
    experts = RecordFile.of(directory.each_active(), paths.existing(paths.versions_folder()))
    drift = (
        compare(snapshot.baseline, (row for expert in experts for row in directory_rows(expert)))
        if snapshot
        else None
    )
    to_reuse = _reusable(experts, snapshot) if snapshot and not reembed else 0
    bytes_per_expert = snapshot.manifest.bytes / len(snapshot) if snapshot and len(snapshot) else BYTES_PER_EXPERT
    return RebuildPlan(
        experts=len(experts),
        added=len(drift.added) if drift else len(experts),
        changed=len(drift.changed) if drift else 0,
        fields=drift.fields if drift else {},
        removed=len(drift.removed) if drift else 0,
        to_encode=len(experts) - to_reuse,
        to_reuse=to_reuse,
        bytes_needed=int(bytes_per_expert * len(experts)),
        bytes_free=shutil.disk_usage(paths.existing(paths.versions_folder())).free,
        seconds=estimates.rebuild(len(experts), len(experts) - to_reuse).seconds,
    )


def _reusable(experts: Sequence[ExpertRecord], snapshot: Snapshot) -> int:
    """How many experts need nothing encoded. An earlier release did not divide long profiles, or in another way."""
    manifest = snapshot.manifest
    if manifest.template_version != TEMPLATE_VERSION:
        return 0
    raw = snapshot.text_hashes.tobytes()
    known = {raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)}
    texts = map(profile_text, experts)
    return sum(
        text_hash(manifest.fingerprint, text) in known
        for text in texts
        if manifest.passage_rule == RULE or len(text) <= ONE_UP_TO
    )
