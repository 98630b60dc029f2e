"""Phrases, excluded words and words in several languages, over people with names and trades of many kinds."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from django.conf import settings

from experts.models import Expert
from indexing.models.searches import Mode
from indexing.search import search
from indexing.snapshot.query_syntax import TypedQuery, read
from tests.support.index_cast import built_snapshot

CASES = Path(settings.BASE_DIR).parent / "shared" / "data" / "cases" / "people_search.csv"
GARDENER = Expert(
    username="qz900w",
    first_name="Teun",
    last_name="Terpstra",
    job_title="Hovenier",
    bio="Ik maak en onderhoud tuinen voor mensen die van het buitenleven houden.",
)
OTHERS = (
    Expert(username="qz901w", first_name="Ada", last_name="Lane", bio="Makes wood turn on a lathe."),
    Expert(username="qz902w", first_name="Ulla", last_name="Mueller", job_title="Welder", bio="Welds ships."),
    Expert(username="qz903w", first_name="Ian", last_name="Kan", bio="Iemand die een boot kan varen met een roer."),
    Expert(username="qz904w", first_name="민수", last_name="이", job_title="회계감사 담당자", bio="내부감사"),
    Expert(username="qz905w", first_name="علي", last_name="النجار", job_title="مهندس", bio="يبني البيوت."),
    Expert(username="qz905s", first_name="Otto", last_name="Schmidt", bio="Smith."),
    Expert(username="qz906s", first_name="Olga", last_name="Schmitt", bio="Smith."),
    Expert(username="qz907s", first_name="Jean-Luc", last_name="Peret", bio="Cook."),
    Expert(username="qx067", job_title="𝐆𝐫𝐨𝐰𝐭𝐡 𝐂𝐨𝐚𝐜𝐡", bio="B2B‑bedrijven groeien met 𝘀𝗮𝗹𝗲𝘀"),
    Expert(username="qx068", job_title="Growth Coach", bio="B2B-bedrijven groeien met sales"),
)


@pytest.mark.parametrize(
    ("query", "typed"),
    [
        ("java -python", TypedQuery("java", (), ("python",))),
        ('"front-end developer" shop', TypedQuery("front-end developer shop", ("front-end developer",), ())),
        ('tea -"green tea"', TypedQuery("tea", (), ("green tea",))),
        (
            'Why do people want to "remove the lock" when it is hard?',
            TypedQuery("Why do people want to remove the lock when it is hard?"),
        ),
        ("-python", TypedQuery("-python")),
        ("front-end - c", TypedQuery("front-end - c")),
        ('12" pipes', TypedQuery('12" pipes')),
        ('"" (a OR b) title:x', TypedQuery('"" (a OR b) title:x')),
    ],
)
def test_only_quotes_and_minus_mean_something(query, typed):
    assert read(query) == typed


@pytest.fixture
def people(db):
    if not CASES.exists():
        pytest.skip(f"{CASES} is not there")
    with CASES.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    Expert.objects.bulk_create(
        [
            Expert(
                username=row["Username"],
                first_name=row["First Name"],
                last_name=row["Last Name"],
                job_title=row["Job Title"],
                company=row["Company"],
                bio=row["Bio"],
            )
            for row in rows
        ]
        + [GARDENER, *OTHERS]
    )
    return built_snapshot()


def test_each_case_finds_who_is_meant(people):
    def found(query: str) -> list[str]:
        return [hit.expert.username for hit in search(query, people, 5, Mode.KEYWORD).hits]

    first = {
        "OBrien": "qz003w", "O'Brien": "qz003w", "O’Connor": "qz004w", "oconnor": "qz004w", "JRR Tolmenier": "qz008w",
        "vandenbergh": "qz007w", "dehaan": "qz045w", "ISO27001": "qz053w", "fullstack": "qz054w",
        "full stack": "qz054w",
        "한빛": "qz024w", "박지민": "qz024w", "王伟": "qz023w", "verpleegkundige": "qz057w", "Griffith": "qz047w",
        "tuin": "qz900w", "iemand die een tuin kan maken": "qz900w", '"front-end developer"': "qz055w",
        "감사": "qz904w", "علی": "qz905w", "علي": "qz905w", "full-stack": "qz054w", "muller": "qz001w",
        "D'Angelo": "qz005w", "dangelo": "qz005w", "S4HANA": "qz064w", "JRR": "qz008w", "λογιστρια": "qz030w",
        "Schmitt": "qz906s", "jeanluc": "qz907s", "Jean Luc": "qz907s",
        "c#": "qz010w", "c++": "qz009w", "qz020w": "qz020w",
    }  # fmt: skip
    assert {query: found(query)[:1] for query in first} == {query: [name] for query, name in first.items()}
    assert found("java -python")[0] == "qz042w"
    assert "qz043w" not in found("java -python")
    assert found('"front-end developer"') == ["qz055w"]
    assert found("Müller")[:2] == ["qz001w", "qz902w"]
    assert found("muller")[:2] == ["qz001w", "qz902w"]
    assert found("Mueller")[:2] == ["qz902w", "qz001w"]
    assert found("Schmidt")[:2] == ["qz905s", "qz906s"]
    assert {"qz012w", "qz055w"} == set(found("backend")[:2])
    styled, plain = (hit for hit in search("growth coach", people, 2).hits)
    assert {styled.expert.username, plain.expert.username} == {"qx067", "qx068"}
    assert styled.similarity == plain.similarity


def test_an_excluded_word_holds_for_meaning_too(people):
    names = [hit.expert.username for hit in search("java -python", people, 100).hits]
    assert "qz042w" in names
    assert "qz043w" not in names
