"""What a version keeps of each expert, and how that is compared with the directory."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import pytest
from django.db import connection

from experts import directory
from experts.models import Expert, ExpertTag, Tag
from experts.profiles.hashes import DirectoryRow, directory_rows, field_hashes, row_digests, row_hashes
from experts.profiles.records import FIELDS, ExpertRecord
from indexing import drift
from indexing.errors import SnapshotInvalid
from indexing.snapshot.baseline import Baseline
from indexing.snapshot.manifest import Manifest
from indexing.snapshot.profiles import BLOCK, Profiles
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.writer import PROFILE_FILES
from tests.support import cast
from tests.support.index_cast import built, built_snapshot

ODD = "lone \ud800 surrogate, \0, \x01 and \U0001f41d"


def record(number: int = 1, **changes: object) -> ExpertRecord:
    values = dict.fromkeys(
        ("username", "first_name", "last_name", "job_title", "company", "bio", "currency", "category", "tagged_for"),
        "",
    ) | {"id": number, "hourly_rate": None, "has_photo": False, "manual_tags": ()}
    return ExpertRecord(**(values | changes))


def digest(**changes: object) -> bytes:
    return row_digests(directory_rows(record(**changes))[:1])


def test_the_same_values_have_the_same_digest_however_the_rate_is_written():
    assert digest(hourly_rate=Decimal("80")) == digest(hourly_rate=Decimal("80.00"))
    assert digest(bio=ODD) == digest(bio=ODD)


def test_similar_values_have_different_digests():
    texts = ("", "a", "\0", "a\0", "\0a", "('a', '')", "\\x00")
    made = [digest(first_name=first, last_name=last) for first, last in product(texts, texts)]
    others = [digest(hourly_rate=Decimal(0)), digest(has_photo=True), digest(currency="1"), digest(username="1")]
    assert len({*made, *others}) == len(made) + len(others)


def test_a_row_holds_every_compared_field():
    whole = record(
        username="u",
        first_name="f",
        last_name="l",
        job_title="j",
        company="c",
        bio=ODD,
        currency="EUR",
        category="k",
        hourly_rate=Decimal("9.50"),
        has_photo=True,
        city="Zürich",
        country="CH",
        languages="de fr",
        available_from=date(2026, 12, 1),
    )
    nothing = row_hashes(directory_rows(record()))
    compared = [
        name
        for name, differs in zip(FIELDS, (row_hashes(directory_rows(whole)) != nothing)[0], strict=True)
        if differs
    ]
    assert compared == [name for name in FIELDS if name not in ("manual_tags", "documents")]
    assert directory_rows(record(manual_tags=(4, 2)))[1:] == [DirectoryRow(1, tag, *[""] * 14) for tag in ("4", "2")]


def test_every_profile_is_read_back_from_any_block():
    experts = [record(number, bio=f"Bio {number}. {ODD}", username=f"u{number}") for number in range(2 * BLOCK + 1)]
    profiles = Profiles.from_records(experts)
    profiles.check(len(experts))
    rows = [0, BLOCK - 1, BLOCK, 2 * BLOCK]
    found = profiles.at(rows)
    assert list(found) == rows
    assert found[BLOCK] == {"username": f"u{BLOCK}", "name": "\0", "bio": f"Bio {BLOCK}. {ODD}"}
    with pytest.raises(ValueError, match="not the profiles of"):
        profiles.check(2 * BLOCK)


def without_profiles(folder: Path) -> None:
    """Make of the version what the release before would have written."""
    path = folder / "manifest.json"
    said = json.loads(path.read_bytes())
    for name in PROFILE_FILES:
        (folder / name).unlink()
        del said["files"][name]
    path.write_text(json.dumps(said))


@pytest.mark.django_db
class TestInAVersion:
    @pytest.mark.services
    def test_the_rows_are_what_the_build_reads(self):
        cast.experts(4)
        Expert.objects.filter(username="expert-001").update(hourly_rate="80.10", photo_url="https://x.test/1.jpg")
        Expert.objects.filter(username="expert-002").update(is_active=False)
        Expert.objects.filter(username="expert-004").update(city="Zürich", country="CH", available_from="2026-12-01")
        ExpertTag.objects.create(expert=Expert.objects.get(username="expert-003"), tag=Tag.objects.first())
        read = sorted(map(tuple, directory.read_rows()))
        assert read == sorted(tuple(row) for expert in directory.read_active() for row in directory_rows(expert))

    def test_a_version_of_the_previous_release_can_be_read_and_compared(self):
        cast.experts(5)
        made = built()
        without_profiles(made.folder)
        snapshot = Snapshot.open(made.folder)
        assert snapshot.baseline.profiles is None
        assert drift.measure(snapshot.baseline).count == 0
        Expert.objects.filter(username="expert-001").update(bio="Something else.")
        assert drift.measure(snapshot.baseline).fields == {"bio": 1}

    @pytest.mark.parametrize("name", PROFILE_FILES)
    def test_a_version_with_only_some_of_the_files_is_refused(self, name):
        cast.experts(5)
        folder = built().folder
        said = Manifest.from_bytes((folder / "manifest.json").read_bytes())
        (folder / name).unlink()
        with pytest.raises(SnapshotInvalid, match=name.replace(".", r"\.")):
            Snapshot.open(folder)
        files = {other: entry for other, entry in said.files.items() if other != name}
        (folder / "manifest.json").write_text(
            json.dumps(
                json.loads(said.to_bytes())
                | {"files": {n: {"bytes": e.bytes, "sha256": e.sha256} for n, e in files.items()}}
            )
        )
        with pytest.raises(SnapshotInvalid, match=r"profiles\.npy"):
            Snapshot.open(folder)

    def test_a_baseline_compares_as_the_whole_version_does(self):
        cast.experts(5)
        made = built()
        baseline = Baseline.open(made.folder, made.manifest_sha256)
        Expert.objects.filter(username="expert-001").update(bio="Something else.")
        assert (
            drift.measure(baseline).changed.tolist()
            == drift.measure(Snapshot.open(made.folder).baseline).changed.tolist()
        )
        with pytest.raises(SnapshotInvalid, match="the database says"):
            Baseline.open(made.folder, "0" * 64)


def compared_by_hand(before: list[ExpertRecord], after: list[ExpertRecord]) -> dict[str, object]:
    """What drift must say, worked out from every value."""
    old, new = ({expert.id: expert for expert in experts} for experts in (before, after))
    changed = {
        key: [name for name, of in FIELDS.items() if of(old[key]) != of(new[key])] for key in old.keys() & new.keys()
    }
    return {
        "added": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
        "changed": {key: names for key, names in sorted(changed.items()) if names},
        "present": len(new),
    }


def as_dict(found: drift.Drift) -> dict[str, object]:
    names = [[name for name, differs in zip(FIELDS, row, strict=True) if differs] for row in found.in_field.tolist()]
    return {
        "added": found.added.tolist(),
        "removed": found.removed.tolist(),
        "present": found.present,
        "changed": dict(zip(found.changed.tolist(), names, strict=True)),
    }


TEXTS = ("", "Baker", "Bäcker", "baker", " Baker", "Baker\0", "\U0001f41d")
VALUES = {
    "first_name": TEXTS,
    "last_name": TEXTS,
    "job_title": TEXTS,
    "company": TEXTS,
    "bio": TEXTS,
    "currency": ("", "EUR"),
    "category": ("", "Craft"),
    "photo_url": ("", "https://x.test/1", "https://x.test/2"),
    "hourly_rate": (None, Decimal("0"), Decimal("80"), Decimal("80.5")),
    "is_active": (True, False),
    "city": ("", "Zürich", "zürich"),
    "country": ("", "CH", "NL"),
    "languages": ("", "nl", "nl en"),
    "available_from": (None, date(2026, 12, 1), date(1999, 1, 31)),
}


def edit(random: Random) -> None:
    """One edit, by one of the ways that there are to write; most of them leave `updated_at` alone."""
    tags = list(Tag.objects.order_by("pk")[:3])
    expert = random.choice(list(Expert.objects.order_by("pk")))
    name = random.choice(list(VALUES))
    value = random.choice(VALUES[name])
    if connection.vendor == "postgresql" and isinstance(value, str):
        value = value.replace("\0", "")  # it takes none
    how = random.randrange(8)
    if how == 0:
        Expert.objects.create(username=f"new-{Expert.objects.count()}-{random.random()}", job_title="Glazier")
    elif how == 1 and Expert.objects.count() > 3:
        expert.delete()
    elif how == 2:
        setattr(expert, name, value)
        expert.save(update_fields=[name])
    elif how == 3:
        setattr(expert, name, value)
        Expert.objects.bulk_update([expert], [name])
    elif how == 4:
        ExpertTag.objects.filter(expert=expert, tag=tags[0]).delete()
    elif how == 5:
        source = random.choice(ExpertTag.Source.values)
        ExpertTag.objects.update_or_create(expert=expert, tag=random.choice(tags), defaults={"source": source})
    elif how == 6:
        Expert.objects.filter(pk=expert.pk).deactivate()
    else:
        Expert.objects.filter(pk__lte=expert.pk + 2, pk__gte=expert.pk).update(**{name: value})


@pytest.mark.services
@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(3))
def test_after_any_edits_drift_equals_a_comparison_of_every_value(seed, monkeypatch):
    monkeypatch.setattr("indexing.drift.measurement.CHUNK", 4)  # several pieces, the last one not full
    random = Random(seed)
    cast.experts(9)
    before = directory.read_active()
    version = built_snapshot()
    older = _without(version)
    found = drifted = 0
    for _ in range(40):
        edit(random)
        expected = compared_by_hand(before, directory.read_active())
        assert as_dict(drift.measure(version.baseline)) == expected
        assert as_dict(drift.measure(older)) == expected
        drifted += bool(expected["changed"])
        found += len(expected["added"]) + len(expected["removed"])
    assert drifted > 10
    assert found > 10


def _without(version: Snapshot) -> Baseline:
    """The same version as the release before kept it."""
    return replace(version.baseline, profiles=None)


def test_row_hashes_equal_field_hashes():
    rates = (None, Decimal(0), Decimal("80"), Decimal("80.50"), Decimal("0.05"))
    experts = [
        record(
            number,
            username=f"u{number}",
            first_name=ODD,
            last_name="l" * (number % 2),
            bio=ODD * number,
            hourly_rate=rate,
            currency="EUR" if rate else "",
            has_photo=bool(number % 2),
        )
        for number, rate in enumerate(rates)
    ]
    assert np.array_equal(field_hashes(experts), row_hashes([directory_rows(expert)[0] for expert in experts]))
    assert row_hashes([]).shape == (0, len(FIELDS))
