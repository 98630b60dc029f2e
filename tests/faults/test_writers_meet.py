"""Two who write the same experts at the same time wait for each other and never end in a deadlock."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from django.db import transaction

from experts.importing.apply import apply_plan
from experts.importing.options import ImportOptions
from experts.importing.plan import make_plan
from experts.importing.undo import undo
from experts.models import Expert, ExpertTag, ImportRecord, Tag
from experts.tagging import storage
from tests.support import cast
from tests.support.meanwhile import Meanwhile


def import_all(people: list[Expert], *, sync: bool = False) -> ImportRecord:
    sheet = "".join(f"{expert.username},Tells stories.\n" for expert in people)
    return apply_plan(make_plan(io.BytesIO(f"Username,Bio\n{sheet}".encode()), ImportOptions(sync=sync)))


def meanwhile(first: Expert, second: Expert, work: Callable[[], object]) -> None:
    """Somebody else locks the first expert, then the second, while `work` begins; both must end well."""
    other = Meanwhile(work)
    with transaction.atomic():
        Expert.objects.select_for_update().get(pk=first.pk)
        other.start()
        other.until_it_waits()
        Expert.objects.select_for_update().get(pk=second.pk)
    assert not isinstance(other.ends(), Exception)


@pytest.mark.parametrize("how", ["activate", "deactivate", "import"])
def test_who_writes_many_experts_takes_them_by_their_keys(transactional_db, how):
    people = cast.experts(4)
    first, second = people[0], people[1]
    Expert.objects.update(is_active=how != "activate")
    Expert.objects.filter(pk=first.pk).update(company="Moved to the end of the table")
    work = {
        "activate": lambda: Expert.objects.activate(),
        "deactivate": lambda: Expert.objects.deactivate(),
        "import": lambda: import_all(people),
    }[how]
    meanwhile(first, second, work)
    assert Expert.objects.filter(is_active=how != "deactivate").count() == len(people)


@pytest.mark.parametrize("how", ["import", "undo"])
def test_who_writes_experts_in_several_statements_takes_all_of_them_first(transactional_db, how):
    """The first one is deactivated (and comes back), the others are changed: which is done before that."""
    first, second, *_others = people = cast.experts(4)
    record = import_all(people[1:], sync=True) if how == "undo" else None
    meanwhile(first, second, lambda: undo(record.pk, None) if record else import_all(people[1:], sync=True))
    assert Expert.objects.get(pk=first.pk).is_active is (how == "undo")
    assert (Expert.objects.get(pk=second.pk).bio == "Tells stories.") is (how == "import")


def test_of_two_who_undo_an_import_the_second_reads_that_it_was_undone(transactional_db):
    record = import_all(cast.experts(2))
    other = Meanwhile(lambda: undo(record.pk, None))
    with transaction.atomic():
        undo(record.pk, None)
        other.start()
        other.until_it_waits()
    assert str(other.ends()) == "This import was undone already."


def test_an_expert_is_saved_with_tags_while_a_run_tags(transactional_db):
    """The editor has the expert and wants the tag, the run has the tag and wants the expert."""
    (expert,) = cast.experts(1)
    tag = Tag.objects.create(name="Bells", kind=Tag.Kind.DOMAIN, description="Casts bells.")
    assigned, tagged_for = {expert.pk: [(tag.pk, 0.9)]}, {expert.pk: "a" * 32}
    run = Meanwhile(lambda: storage.store(assigned, tagged_for, between=lambda _count: None))
    with transaction.atomic():
        expert.bio = "Casts bells by hand."
        expert.save()
        run.start()
        run.until_it_waits()
        ExpertTag.objects.create(expert=expert, tag=tag, source=ExpertTag.Source.MANUAL)
    assert not isinstance(run.ends(), Exception)
    assert ExpertTag.objects.get().source == ExpertTag.Source.MANUAL
