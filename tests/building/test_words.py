"""What the next build takes over of the words: it gives what a build of everything would give."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experts.directory import each_active
from experts.models import Expert, ExpertTag, Tag
from experts.profiles.hashes import field_hashes
from experts.profiles.records import ExpertRecord
from indexing.building import languages, profiles, words
from indexing.building.pipeline import build
from indexing.building.tag_names import TagNames
from indexing.building.words import word_hashes
from indexing.lib import paths
from indexing.lib.files import file_sha256
from indexing.snapshot import counted_terms, line_blocks
from indexing.snapshot import profiles as stored_profiles
from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.keyword_index import KeywordIndex
from indexing.snapshot.manifest import MANIFEST_NAME
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.synonyms import Synonyms
from indexing.snapshot.writer import INDEXED, PASSAGES, WORD_FILES
from tests.support import cast, fakes
from tests.support.index_cast import FULL, RecordingReporter, built, next_order

pytestmark = pytest.mark.django_db

QUERIES = ("garden", "roofs and pumps", "Sentence", "tuinen", "expert7", "solar panel", "Straßenbahn", "team", "same")
DUTCH = "Ik maak tuinen en daken voor mensen die het niet zelf kunnen, en ik geef er les over in de stad."


def bio(number: int) -> str:
    """Every third one is long enough for passages; some are Dutch, one is German."""
    if number % 3 == 0:
        return " ".join(
            f"Sentence {each} of expert {number} is about roofs, pumps and gardens." for each in range(20)
        )
    if number % 7 == 1:
        return f"{DUTCH} {number}"
    return (
        "Ich baue die Straßenbahn und nicht das Auto, aber für die Stadt."
        if number == 5
        else f"Solar panel no. {number}"
    )


@pytest.fixture
def directory() -> list[Expert]:
    """40 experts with a tag or two."""
    experts = cast.experts(40)
    tags = [Tag.objects.create(name=name, kind="domain", is_active=False) for name in ("Energy and heat", "Gardens")]
    for number, expert in enumerate(experts):
        Expert.objects.filter(pk=expert.pk).update(bio=bio(number))
        ExpertTag.objects.create(expert=expert, tag=tags[number % 2], source=ExpertTag.Source.MANUAL)
    return experts


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_blocks, "BLOCK", 4)
    monkeypatch.setattr(stored_profiles, "BLOCK", 4)
    monkeypatch.setattr(profiles, "BLOCK", 8)
    monkeypatch.setattr(counted_terms, "BLOCK", 7)


def stored(folder: Path) -> dict[str, Any]:
    arrays: dict[str, Any] = {path.name: np.load(path) for path in sorted(folder.glob("*.npy"))}
    for path in sorted(folder.glob("*.npz")):
        arrays |= {f"{path.name} {name}": array for name, array in np.load(path).items()}
    return arrays | {INDEXED: np.fromfile(folder / INDEXED, np.uint8)}


def hits(folder: Path) -> list[tuple[Any, Any]]:
    index = KeywordIndex.open(folder / "keywords")
    return [tuple(each.tolist() for each in index.search(query, 30)) for query in QUERIES]


def require_same_as_fresh(number: int, **changes: Any) -> None:
    """Build the directory by taking over, and completely; and compare all arrays, hits and scores."""
    reused = built(next_order(number, **changes)).folder
    fresh = built(replace(FULL, number=number + 50, **changes)).folder
    assert reused
    assert fresh
    found, expected = stored(reused), stored(fresh)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        if array.dtype == np.float32:
            np.testing.assert_allclose(found[name], array, atol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(found[name], array, name)
    assert hits(reused) == hits(fresh)
    assert any(keys for keys, _scores in hits(fresh))


def analysed(monkeypatch: pytest.MonkeyPatch, number: int, **changes: Any) -> int:
    """The number of experts whose words are analysed when that version is built: those whose language is detected."""
    asked: list[int] = []
    detect = languages.detect

    def noted(expert: Any) -> tuple[str, str]:
        asked.append(expert.id)
        return detect(expert)

    monkeypatch.setattr(languages, "detect", noted)
    built(next_order(number, **changes))
    monkeypatch.setattr(languages, "detect", detect)
    return len(asked)


def unchanged(experts: list[Expert]) -> None:
    pass


def edited(experts: list[Expert]) -> None:
    for expert in (experts[3], experts[8], experts[20]):
        Expert.objects.filter(pk=expert.pk).update(bio=f"{DUTCH} And quite new words.", last_name="Newcomb")


def removed(experts: list[Expert]) -> None:
    Expert.objects.filter(pk__in=[experts[0].pk, experts[9].pk, experts[39].pk]).delete()


def added(experts: list[Expert]) -> None:
    for number, pk in enumerate((experts[4].pk + 10_000, experts[39].pk + 1)):
        Expert.objects.create(username=f"new{number}", pk=pk, first_name="Nell", bio="Another gardener with pumps.")


def moved(experts: list[Expert]) -> None:
    """The same person under an id that is sorted elsewhere."""
    first = Expert.objects.get(pk=experts[0].pk)
    first.delete()
    first.pk = experts[39].pk + 5
    first.save(force_insert=True)


def retagged(experts: list[Expert]) -> None:
    Tag.objects.filter(name="Gardens").update(name="Parks")
    ExpertTag.objects.filter(expert=experts[2]).delete()


def without_words(experts: list[Expert]) -> None:
    """Filters alone: their words stay."""
    Expert.objects.filter(pk__in=[experts[1].pk, experts[6].pk]).update(category="Other", city="Utrecht")


def mostly_dutch(experts: list[Expert]) -> None:
    """Another main language: companies and tags have other stems."""
    Expert.objects.filter(pk__in=[each.pk for each in experts[:30]]).update(bio=DUTCH)


@pytest.mark.parametrize(
    "change",
    [unchanged, edited, removed, added, moved, retagged, without_words, mostly_dutch],
    ids=lambda each: each.__name__,
)
def test_a_build_by_taking_over_gives_what_a_fresh_one_gives(directory, change: Callable[[list[Expert]], None]):
    built()
    change(directory)
    require_same_as_fresh(2)
    require_same_as_fresh(3)  # and what was taken over is taken over once more


def test_a_model_that_reads_less_gets_other_passages_and_their_words(directory, monkeypatch):
    built()
    monkeypatch.setattr(fakes.HashEncoder, "limit", 40)
    monkeypatch.setattr(fakes.HashEncoder, "fingerprint", "another")
    assert 0 < analysed(monkeypatch, 2) < 20  # those who have other tags now
    require_same_as_fresh(3)
    first, second = (np.load(paths.version_folder(number) / PASSAGES) for number in (1, 2))
    assert len(second) > len(first)


def test_synonyms_change_without_the_words(directory, monkeypatch):
    built()
    assert analysed(monkeypatch, 2, synonyms=Synonyms((("pump", "roof"),))) == 0
    require_same_as_fresh(3, synonyms=Synonyms((("pump", "roof"),)))


def test_only_what_changed_is_analysed(directory, monkeypatch):
    built()
    edited(directory)
    assert analysed(monkeypatch, 2) == 3
    without_words(directory)
    assert analysed(monkeypatch, 3) == 0
    assert analysed(monkeypatch, 4, reembed=True) == 40


def test_other_code_analyses_all_again(directory, monkeypatch):
    built()
    monkeypatch.setattr(words, "analysis", lambda: b"another")
    assert analysed(monkeypatch, 2) == 40


def test_a_version_of_an_earlier_release_is_no_help(directory, monkeypatch):
    folder = built().folder
    assert folder
    for name in WORD_FILES:
        (folder / name).unlink()
    manifest = folder / MANIFEST_NAME
    data = json.loads(manifest.read_bytes())
    data["format"] = 9
    data["files"] = {name: entry for name, entry in data["files"].items() if name not in WORD_FILES}
    manifest.write_text(json.dumps(data))
    assert len(Snapshot.open(folder, manifest_sha256=file_sha256(manifest))) == 40
    assert analysed(monkeypatch, 2) == 40
    require_same_as_fresh(3)


@pytest.mark.parametrize("name", [*WORD_FILES, "keywords/analysis.json"])
def test_a_damaged_file_is_said_and_all_are_analysed(directory, monkeypatch, caplog, name):
    built()
    path = paths.version_folder(1) / name
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with caplog.at_level(logging.WARNING, "indexing"):
        assert analysed(monkeypatch, 2) == 40
    assert any("analysed again" in each.message and name in each.message for each in caplog.records)


def test_the_hash_tells_where_each_text_ends(directory):
    record = next(iter(each_active()))
    assert not same_hash((record, ("x",)), (record._replace(bio="\ud800"), ("x",)))
    assert not same_hash((record._replace(last_name="b c"), ()), (record._replace(last_name="b"), ("c",)))
    assert not same_hash((record, ("x", "y")), (record, ("x y",)))
    assert same_hash((record, ("x", "y")), (record._replace(category="Other"), ("x", "y"))), "no words changed"


def same_hash(*of: tuple[ExpertRecord, tuple[str, ...]]) -> bool:
    """Whether two experts with tags of these names have the same hash."""
    names = dict(enumerate(sorted({name for _record, own in of for name in own})))
    records = [record._replace(id=place) for place, (record, _own) in enumerate(of)]
    tags = {place: [tag for tag, name in names.items() if name in own] for place, (_record, own) in enumerate(of)}
    hashes = word_hashes(field_hashes(records), TagNames(FacetColumns.from_records(records, tags), names))
    return len({each.tobytes() for each in hashes}) == 1


def test_the_log_says_how_many_were_analysed(directory):
    built()
    edited(directory)
    reporter = RecordingReporter()
    build(next_order(2), reporter)
    assert "Indexed the words of 40 experts; analysed those of 3 experts" in str(reporter["keywords"].sentence)
