"""Which expert a row is about: usernames and names that are made, rows that read the same, suffixes."""

from __future__ import annotations

import pytest

from experts.identity import conflict_key, identity_key
from experts.importing.errors import ImportFailed
from experts.models import Expert
from tests.support.imports import plan_of


@pytest.mark.django_db
def test_names_and_places_are_made_from_one_cell_unless_the_row_has_them() -> None:
    plan = plan_of('Username,Full Name,Location\nann,"Berg, Ada van","Utrecht, Netherlands"\n')
    (ann,) = plan.new
    assert (ann.first_name, ann.last_name, ann.city, ann.country) == ("Ada", "van Berg", "Utrecht", "NL")
    assert plan_of('Username,Location\nann,"Utrecht, Netherlands"\n').new[0].city == "Utrecht"
    assert plan_of("Username,Full Name\nann,Ada Lane\n").new[0].last_name == "Lane"
    (ann,) = plan_of('Username,City,Location\nann,Delft,"Utrecht, Netherlands"\n').new
    assert (ann.city, ann.country) == ("Delft", "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Berg, van", "van", "Berg"),
        ("Berg, Ada Maria", "Ada Maria", "Berg"),
        ("Berg, Ada van den", "Ada", "van den Berg"),
    ],
)
def test_particles_behind_a_first_name_belong_to_the_last_name(name: str, first: str, last: str) -> None:
    (expert,) = plan_of(f'Username;Full Name\nann;"{name}"\n').new
    assert (expert.first_name, expert.last_name) == (first, last)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "username"),
    [
        ("Zoë Ångström", "zoe-angstrom"),
        ("Jean-Luc O’Brien", "jean-luc-o-brien"),
        ("Βασίλης Κωνσταντίνου", "βασιλης-κωνσταντινου"),
        ("राधा शुक्ला", "राधा-शुक्ला"),
        ("สมชาย ใจดี", "สมชาย-ใจดี"),
        ("김 민수", "김-민수"),
    ],
)
def test_a_username_is_made_of_the_full_name_where_the_others_are_empty(name: str, username: str) -> None:
    assert plan_of(f"First Name,Name\n,{name}\n").new[0].username == username


@pytest.mark.django_db
def test_a_row_that_comes_twice_is_refused_but_made_usernames_may_be_of_different_people() -> None:
    twice = plan_of("Username\nann\nann\n")
    assert (len(twice.new), twice.conflicts, [each.line for each in twice.rejected]) == (1, [], [3])
    made = plan_of("Name\nAda Lane\nAda Lane\n", same_names="suffix")
    assert [each.username for each in made.new] == ["ada-lane", "ada-lane-2"]
    assert len(made.conflicts) == 1


@pytest.mark.django_db
def test_an_address_is_of_the_same_person_where_only_one_of_both_has_a_name() -> None:
    Expert.objects.create(username="ann", first_name="Ann", last_name="Archer")
    Expert.objects.create(username="ben")
    plan = plan_of("E-mail,First Name,Bio\nann@example.org,,x\nben@example.org,Ben,y\n")
    assert (plan.conflicts, len(plan.changed)) == ([], 2)
    assert len(plan_of("E-mail,First Name,Bio\nann@example.org,Anna,x\n").conflicts) == 1


@pytest.mark.django_db
def test_a_suffix_is_the_first_that_nobody_has() -> None:
    long = "a" * 150
    plan = plan_of(f"Username,First Name\n{long},Ann\n{long.upper()},Ben\n{long.title()},Cid\n", same_names="suffix")
    assert [each.username for each in plan.new] == [long, f"{'A' * 148}-2", f"A{'a' * 147}-3"]
    for username in ("Ben-2", "BEN-2"):  # an earlier release took them for two
        key = identity_key(username)
        number = Expert.objects.filter(username_key=key).count()
        Expert.objects.bulk_create([Expert(username=username, username_key=conflict_key(key, 1) if number else key)])
    plan = plan_of("Username,First Name\nben,Ann\nbEN,Bob\n", same_names="suffix")
    assert [each.username for each in plan.new] == ["ben", "bEN-3"]


@pytest.mark.django_db
def test_refused_rows_are_in_the_order_of_the_file() -> None:
    plan = plan_of("Username,Hourly Rate\nann,1\nANN,2\nben,x\n")
    assert [each.line for each in plan.rejected] == [3, 4]


@pytest.mark.django_db
def test_there_are_three_things_to_do_with_usernames_that_read_the_same() -> None:
    with pytest.raises(ImportFailed, match="not one of the choices"):
        plan_of("Username\nann\n", same_names="both")
