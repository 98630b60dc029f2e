"""The generated sample experts."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from experts.models import Expert, RemovedSamples
from experts.samples.generator import generate_experts, load_samples
from experts.samples.removal import samples
from tests.support.cast import staff
from tests.support.html_reading import html

FIELDS = [field.name for field in Expert._meta.concrete_fields if field.name not in ("id", "updated_at")]


def values(expert: Expert) -> list[object]:
    return [getattr(expert, name) for name in FIELDS]


def test_the_same_seed_gives_the_same_people_and_more_keep_the_first_ones() -> None:
    large = [values(expert) for expert in generate_experts(60)]
    assert [values(expert) for expert in generate_experts(40)] == large[:40]
    assert [values(expert) for expert in generate_experts(40, seed=2)] != large[:40]


def test_1500_people_are_valid_distinct_and_have_their_own_bios() -> None:
    people = list(generate_experts(1_500))
    for expert in people:
        try:
            expert.clean_fields()
        except ValidationError as error:
            pytest.fail(f"{expert.username}: {error}")
    assert len({expert.username.lower() for expert in people}) == 1_500
    assert len({expert.bio for expert in people}) > 1_480
    assert all("{" not in expert.bio and expert.bio.count(".") >= 4 for expert in people)


def test_names_have_accents_and_usernames_do_not() -> None:
    people = list(generate_experts(500))
    assert any(not expert.full_name.isascii() for expert in people)
    assert all(expert.username.isascii() and expert.username == expert.username.lower() for expert in people)
    assert all(expert.username.partition(".")[0] for expert in people)


def test_no_profile_links_to_a_real_site() -> None:
    for expert in generate_experts(300):
        assert expert.photo_url == ""
        assert expert.profile_url.startswith("https://example.com/")


def test_title_category_and_bio_fit_together() -> None:
    planners = [expert for expert in generate_experts(1_500) if expert.job_title == "Hospital capacity planner"]
    assert planners
    for expert in planners:
        assert expert.category == "Operations and care"
        assert "hospitals" in expert.bio
        assert expert.hourly_rate is not None
        assert 85 <= expert.hourly_rate <= 160


@pytest.mark.django_db
def test_loading_again_adds_only_missing_experts_and_changes_no_others() -> None:
    assert load_samples(50) == 50
    someone = Expert.objects.order_by("pk").first()
    assert someone is not None
    Expert.objects.filter(pk=someone.pk).update(bio="Edited")
    assert load_samples(60) == 10
    assert Expert.objects.get(pk=someone.pk).bio == "Edited"


@pytest.mark.django_db
def test_the_samples_are_removed_after_a_question_and_nobody_else(client: Client) -> None:
    load_samples(5)
    load_samples(5, seed=2)
    Expert.objects.create(username="ann", profile_url="https://example.com/experts/ben")
    client.force_login(staff("experts.import", "experts.delete_expert", "experts.view_expert"))
    count = Expert.objects.count() - 1
    page = html(client.get("/admin/experts/expert/import/"))
    assert f"{count} made-up experts" in page
    assert 'href="/admin/experts/expert/samples/remove/"' in page
    question = html(client.get("/admin/experts/expert/samples/remove/"))
    assert f"This deletes {count} made-up experts" in question
    assert "Your own experts stay" in question
    ids = sorted(samples().values_list("pk", flat=True))
    assert len(ids) == count, "the question deletes nobody"
    answer = client.post("/admin/experts/expert/samples/remove/", follow=True)
    assert f"{count} sample experts were removed." in html(answer)
    assert list(Expert.objects.values_list("username", flat=True)) == ["ann"]
    assert RemovedSamples.objects.get().ids == ids
    assert "There are no sample experts" in html(client.post("/admin/experts/expert/samples/remove/", follow=True))
    without = html(client.get("/admin/experts/expert/samples/remove/"))
    assert "There are no sample experts" in without
    assert 'type="submit" class="default"' not in without
    client.force_login(staff("experts.import", username="olga"))
    assert client.post("/admin/experts/expert/samples/remove/").status_code == 403
