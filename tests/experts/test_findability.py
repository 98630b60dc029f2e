"""The findability score: one formula, for one expert and for the database."""

from __future__ import annotations

from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from experts.models import Expert, ExpertTag, Tag
from experts.profiles import findability as scoring
from experts.profiles.findability import findability
from tests.support.cast import staff

LIST = "/admin/experts/expert/"
WHOLE = {
    "username": "ann",
    "job_title": "Planner",
    "company": "Choir",
    "bio": "x" * 300,
    "hourly_rate": 80,
    "photo_url": "https://example.com/a.jpg",
}


def tagged(expert: Expert, count: int, source: str = "manual") -> Expert:
    tags = [Tag.objects.get_or_create(name=f"T{n}", defaults={"kind": "domain"})[0] for n in range(count)]
    ExpertTag.objects.bulk_create(ExpertTag(expert=expert, tag=tag, source=source) for tag in tags)
    return expert


def advice(expert: Expert, tags: int = 0) -> dict[str, int]:
    return {each.sentence: each.points for each in findability(expert, tags).advice}


# --- the formula ---


def test_the_weights_add_up_to_100() -> None:
    tags = scoring.PER_TAG * scoring.TAGS_COUNTED
    assert scoring.BIO + scoring.JOB_TITLE + tags + scoring.PHOTO + scoring.RATE + scoring.COMPANY == 100


def test_the_longest_bio_gives_the_most_points() -> None:
    lengths, points = zip(*scoring.BIO_STEPS, strict=True)
    assert list(lengths) == sorted(lengths, reverse=True)
    assert list(points) == sorted(points, reverse=True)


def test_a_complete_profile_has_100_and_no_advice() -> None:
    assert findability(Expert(**WHOLE), 3) == scoring.Findability(100, ())


def test_a_profile_with_only_a_name_has_0() -> None:
    found = findability(Expert(username="ann", first_name="Ann"), 0)
    assert found.score == 0
    assert [each.points for each in found.advice] == [40, 20, 15, 10, 10, 5]


@pytest.mark.parametrize(
    ("length", "points"), [(0, 0), (1, 10), (99, 10), (100, 20), (299, 20), (300, 40), (9000, 40)]
)
def test_a_longer_bio_gives_more_in_steps(length: int, points: int) -> None:
    assert findability(Expert(username="ann", bio="é" * length), 0).score == points


@pytest.mark.parametrize(("tags", "points"), [(0, 0), (1, 5), (3, 15), (9, 15)])
def test_three_tags_count(tags: int, points: int) -> None:
    assert findability(Expert(username="ann"), tags).score == points


def test_a_rate_of_0_is_a_rate() -> None:
    assert findability(Expert(username="ann", hourly_rate=0), 0).score == scoring.RATE


def test_the_advice_says_what_to_do_and_what_it_is_worth() -> None:
    expert = Expert(**WHOLE | {"bio": "x" * 180, "company": ""})
    said = advice(expert, 2)
    assert said["write a bio of at least 300 characters (now 180)"] == 20
    assert said["add a company"] == 5
    assert said["add 1 tag; a longer bio also gets more automatic tags"] == 5
    assert findability(expert, 2).score == 100 - sum(said.values())


def test_the_levels_meet_without_a_gap() -> None:
    assert [score for at_least, below in scoring.LEVELS.values() for score in range(at_least, below)] == list(
        range(101)
    )


# --- the same in the database ---


def somebody(random: Random, number: int) -> Expert:
    """Any of the texts may be missing; bios lie around the steps, and hold characters of two and four bytes."""
    length = random.choice([0, 1, 2, 50, 99, 100, 101, 200, 299, 300, 301, 1000])
    bio = "".join(random.choice("ab é漢😀\n'%") for _ in range(length))

    def perhaps(value: str) -> str:
        return random.choice(["", value])

    return Expert(
        username=f"u{number}",
        job_title=perhaps("Planner"),
        company=perhaps("Choir"),
        bio=bio,
        photo_url=perhaps("https://example.com/a.jpg"),
        hourly_rate=random.choice([None, 0, "12.50"]),
    )


@pytest.mark.django_db
@pytest.mark.services
@pytest.mark.parametrize("seed", range(3))
def test_the_database_gives_every_expert_the_score_of_the_pure_function(seed: int) -> None:
    random = Random(seed)
    people = Expert.objects.bulk_create(somebody(random, number) for number in range(150))
    held = {}
    for person in people:
        held[person.pk] = random.randrange(6)
        tagged(person, held[person.pk], random.choice(["auto", "manual"]))
    scores = dict(Expert.objects.with_findability().values_list("pk", "findability"))
    assert scores == {person.pk: findability(person, held[person.pk]).score for person in people}
    assert len(set(scores.values())) > 10


# --- in the admin ---


@pytest.fixture
def three() -> list[Expert]:
    """Of score 0, 45 and 100."""
    low = Expert.objects.create(username="low")
    middle = Expert.objects.create(username="middle", bio="x" * 300, company="Choir")
    high = tagged(Expert.objects.create(**WHOLE | {"username": "high"}), 3)
    return [low, middle, high]


def listed(page) -> list[str]:
    return [expert.username for expert in page.context["cl"].result_list]


@pytest.mark.django_db
def test_the_list_shows_the_score_and_sorts_by_it(client, three) -> None:
    client.force_login(staff(superuser=True))
    assert listed(client.get(LIST, {"o": "findability_shown"})) == ["low", "middle", "high"]
    page = client.get(LIST, {"o": "-findability_shown"})
    assert listed(page) == ["high", "middle", "low"]
    html = page.content.decode()
    assert html.index(">100<") < html.index(">45<") < html.index(">0<")


@pytest.mark.django_db
def test_the_list_is_filtered_by_level(client, three) -> None:
    client.force_login(staff(superuser=True))
    for level, found in zip(scoring.LEVELS, three, strict=True):
        assert listed(client.get(LIST, {"findability": level})) == [found.username]
    assert len(listed(client.get(LIST, {"findability": "strange"}))) == 3


@pytest.mark.django_db
def test_sorting_loads_one_page_of_experts_only(client) -> None:
    Expert.objects.bulk_create(Expert(username=f"u{number}") for number in range(120))
    client.force_login(staff(superuser=True))
    with CaptureQueriesContext(connection) as captured:
        page = client.get(LIST, {"o": "-findability_shown"})
    assert len(page.context["cl"].result_list) == 50
    (sorting,) = [each["sql"] for each in captured if "ORDER BY" in each["sql"] and '"bio"' in each["sql"]]
    assert "LIMIT 50" in sorting


@pytest.mark.django_db
def test_the_expert_form_says_what_would_raise_the_score(client, three) -> None:
    client.force_login(staff(superuser=True))
    low, middle, high = (client.get(each.admin_url).content.decode() for each in three)
    assert "+40" in low
    assert "write a bio of at least 300 characters" in low
    assert "write a bio" not in middle
    assert "add a photo" in middle
    assert "Nothing is missing" in high


@pytest.mark.django_db
def test_a_new_expert_has_no_score_yet(client) -> None:
    client.force_login(staff(superuser=True))
    assert "findability" not in client.get(f"{LIST}add/").content.decode().lower().split("fieldset", 1)[1]
