"""The preview of a tag says what the next run will do with it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from experts.models import Expert, ExpertTag, Tag
from experts.tagging import assignment, rejections
from experts.tagging.assignment import MAX_TAGS, TagSpec
from indexing import encoders
from indexing.errors import EncoderUnavailable, NoIndexYet
from indexing.quality import tag_preview
from indexing.quality.tag_preview import NEW, TagScores, tag_cutoff
from tests.support import cast
from tests.support.fakes import HashEncoder

URL = "/admin/index/tags/preview/"
HTMX = {"HX-Request": "true"}
built = pytest.mark.django_db(transaction=True)
"""Building a version needs committed rows: its log is written by a thread."""


def html(response) -> str:
    return re.sub(r"</?bdi[^>]*>|[\u2066-\u2069]", "", " ".join(response.content.decode().split()))


# --- the pure part: the same as `tagging.assign` ---


def some_vectors(seed: int, count: int) -> np.ndarray:
    """Few dimensions and coarse values, so that many similarities are exactly equal."""
    vectors = np.random.default_rng(seed).integers(-2, 3, (count, 3)).astype(np.float32)
    vectors[~vectors.any(axis=1)] = (1, 0, 0)
    return vectors


@pytest.mark.parametrize("place", [0, 5, 11], ids=["lowest id", "between", "highest id"])
@pytest.mark.parametrize("seed", range(4))
def test_the_experts_who_fit_are_those_that_assign_gives_the_tag(seed: int, place: int) -> None:
    kinds = ["domain", "industry"] * 6 if seed % 2 else ["domain"] * 9 + ["industry"] * 3
    tags = [TagSpec(10 + number, f"t{number}", kind, "d") for number, kind in enumerate(kinds)]
    people, tag_vectors = some_vectors(seed, 300), some_vectors(seed + 100, len(tags))
    tag = tags[place]
    same_kind = [number for number, each in enumerate(tags) if each.kind == tag.kind and each is not tag]
    others = tag_cutoff(people, [tags[number] for number in same_kind], tag_vectors[same_kind], MAX_TAGS[tag.kind])
    similarities = people @ tag_vectors[place]
    nobody = np.zeros(len(people), bool)
    scores = TagScores(np.arange(len(people)), similarities, others.beaten_by(similarities, tag.id), nobody, nobody)
    for threshold in (-9.0, 0.0, 1.0, 3.0):
        assigned = assignment.assign(people, tag_vectors, tags, threshold)
        expected = [any(number == tag.id for number, _score in row) for row in assigned]
        assert scores.getting(threshold).tolist() == expected
        assert (scores.over_limit(threshold) == (similarities >= threshold) & ~np.array(expected)).all()


def test_where_there_is_room_everybody_fits() -> None:
    people = some_vectors(1, 10)
    others = [TagSpec(number, "t", "industry", "d") for number in range(2)]
    assert tag_cutoff(people, others, some_vectors(2, 2), 3).beaten_by(np.full(10, -1, np.float32), NEW).all()


def test_many_experts_are_computed_in_blocks_with_the_same_result(monkeypatch) -> None:
    people, tag_vectors = some_vectors(3, 100), some_vectors(4, 8)
    others = [TagSpec(number, "t", "domain", "d") for number in range(8)]
    whole = tag_cutoff(people, others, tag_vectors, 6)
    monkeypatch.setattr(tag_preview, "BLOCK", 7)
    parts = tag_cutoff(people, others, tag_vectors, 6)
    assert (whole.similarity == parts.similarity).all()
    assert (whole.tag == parts.tag).all()


# --- against a real version, and the next run ---


@pytest.fixture
def baker(db) -> Tag:
    """For tests that are `built`: a tag among a few others, as the live version's run has assigned it."""
    Tag.objects.all().delete()
    for number, (title, bio) in enumerate(cast.PROFESSIONS[:4]):
        Tag.objects.create(kind="industry", name=f"{title} {number}", description=bio)
    tag = Tag.objects.create(kind="industry", name="Baking", description="Bakes sourdough bread, fermentation.")
    cast.published(40)
    return tag


def spec(tag: Tag) -> TagSpec:
    return TagSpec(tag.pk, tag.name, tag.kind, tag.description)


def holders(tag: Tag) -> set[int]:
    return set(tag.expert_tags.filter(source="auto").values_list("expert", flat=True))


@built
def test_unchanged_it_is_as_the_last_run_left_it(baker, settings) -> None:
    shown = tag_preview.preview_tag(spec(baker), settings.TCS_TAG_THRESHOLD)
    assert shown.chosen.is_current
    assert shown.chosen.experts == shown.automatic == len(holders(baker)) > 0
    assert (shown.gained.count, shown.lost.count) == (0, 0)
    assert shown.experts == 40


@built
@pytest.mark.parametrize("threshold", [0.2, 0.3, 0.4])
def test_the_next_run_does_what_the_preview_said(baker, settings, threshold) -> None:
    settings.TCS_TAG_THRESHOLD = threshold
    before = holders(baker)
    baker.description = "Repairs steel bridges and ship hulls, keeps bees and sells honey."
    shown = tag_preview.preview_tag(spec(baker), threshold)
    assert holders(baker) == before, "a preview changes nothing"
    baker.save()
    cast.published_again()
    now = holders(baker)
    assert shown.chosen.experts == len(now)
    assert (shown.gained.count, shown.lost.count) == (len(now - before), len(before - now))
    assert {each.expert.pk for each in shown.gained.first} <= now - before
    assert {each.expert.pk for each in shown.lost.first} <= before - now
    scores = dict(baker.expert_tags.values_list("expert", "score"))
    for each in shown.getting:
        assert scores[each.expert.pk] == pytest.approx(each.similarity, abs=1e-4)


@built
def test_a_new_tag_is_previewed_and_takes_the_place_of_others(baker, settings) -> None:
    new = TagSpec(NEW, "Bees", "industry", "Keeps bees, breeds queens and sells honey. Beekeeper.")
    shown = tag_preview.preview_tag(new, settings.TCS_TAG_THRESHOLD)
    assert shown.gained.count == shown.chosen.experts > 0
    tag = Tag.objects.create(kind=new.kind, name=new.name, description=new.description)
    cast.published_again()
    assert len(holders(tag)) == shown.chosen.experts


@built
def test_a_new_tag_among_many_better_ones_is_over_limit(baker) -> None:
    for number in range(3):
        text = "Bakes sourdough bread and teaches fermentation."
        Tag.objects.create(kind="industry", name=f"Baker {number}", description=text)
    new = TagSpec(NEW, "Breads", "industry", "Bakes bread and teaches.")
    as_industry = tag_preview.preview_tag(new, 0.2)
    as_domain = tag_preview.preview_tag(TagSpec(NEW, new.name, "domain", new.description), 0.2)
    assert as_industry.limit == 3
    assert as_industry.chosen.over_limit > 0
    assert as_domain.chosen.over_limit == 0
    assert as_domain.chosen.experts == as_industry.chosen.experts + as_industry.chosen.over_limit


@built
def test_the_list_is_in_order_and_what_follows_is_below(baker) -> None:
    shown = tag_preview.preview_tag(spec(baker), 0.3)
    similarities = [each.similarity for each in shown.getting]
    assert similarities == sorted(similarities, reverse=True)
    assert min(similarities) >= 0.3 > max(each.similarity for each in shown.below)
    counts = [step.experts for step in shown.steps]
    assert counts == sorted(counts, reverse=True)


@built
def test_a_manual_tag_stays_and_is_not_counted_as_automatic(baker) -> None:
    before = tag_preview.preview_tag(spec(baker), 0.3)
    baker.expert_tags.filter(source="auto", expert=before.getting[0].expert).update(source="manual", score=None)
    shown = tag_preview.preview_tag(spec(baker), 0.3)
    assert shown.manual == 1
    assert shown.automatic == before.automatic - 1
    assert shown.chosen.experts == before.chosen.experts - 1
    assert (shown.gained.count, shown.lost.count) == (0, 0)


@built
def test_an_expert_whose_tag_was_rejected_is_not_proposed(baker) -> None:
    before = tag_preview.preview_tag(spec(baker), 0.3)
    expert = before.getting[0].expert
    assert rejections.reject(expert, baker, cast.staff())
    shown = tag_preview.preview_tag(spec(baker), 0.3)
    assert shown.gained.count == 0
    assert expert not in [each.expert for each in (*shown.getting, *shown.below)]
    assert (shown.experts, shown.outside) == (before.experts - 1, 0)
    ExpertTag.objects.create(expert=expert, tag=baker)  # by hand, in spite of it
    assert tag_preview.preview_tag(spec(baker), 0.3).manual == 1


@built
def test_hidden_experts_are_not_looked_at_and_new_ones_are_counted(baker) -> None:
    before = tag_preview.preview_tag(spec(baker), 0.3)
    Expert.objects.filter(pk=before.getting[0].expert.pk).deactivate()
    Expert.objects.create(username="fresh", bio="Bakes bread.")
    shown = tag_preview.preview_tag(spec(baker), 0.3)
    assert (shown.experts, shown.outside) == (before.experts - 1, 1)
    assert before.getting[0].expert not in [each.expert for each in shown.getting]


@built
def test_while_somebody_types_only_the_typed_text_is_encoded(baker) -> None:
    tag_preview.preview_tag(spec(baker), 0.3)
    encoder = encoders.loaded()
    assert isinstance(encoder, HashEncoder)
    encoder.encoded.clear()
    tag_preview.preview_tag(TagSpec(baker.pk, "Baking", "industry", "Bakes c"), 0.3)
    assert encoder.encoded == ["Baking. Bakes c"]


@built
def test_another_text_of_another_tag_counts_at_once(baker) -> None:
    text = "Bakes sourdough bread and teaches fermentation. Baker"
    assert tag_preview.preview_tag(spec(baker), 0.2).chosen.over_limit == 0
    Tag.objects.exclude(pk=baker.pk).update(description=text)
    assert tag_preview.preview_tag(spec(baker), 0.2).chosen.over_limit > 0


@pytest.mark.django_db
def test_without_a_version_it_says_so() -> None:
    with pytest.raises(NoIndexYet):
        tag_preview.preview_tag(TagSpec(NEW, "a", "domain", "b"), 0.3)


# --- the page and the panel ---


@pytest.mark.parametrize("right", ["experts.view_tag", "experts.change_tag", "experts.add_tag"])
@pytest.mark.django_db
def test_it_is_for_whoever_may_see_or_edit_tags(client, right) -> None:
    client.force_login(cast.staff(right))
    assert client.get(URL).status_code == 200


@pytest.mark.django_db
def test_others_are_refused(client) -> None:
    assert client.get(URL).url.startswith(reverse("accounts:sign-in"))
    client.force_login(cast.staff("experts.view_expert", "indexing.view"))
    assert client.get(URL).status_code == 403
    client.force_login(cast.visitor())
    assert client.get(URL).status_code == 403


@pytest.fixture
def editor(client, db):
    client.force_login(cast.staff("experts.change_tag", username="ed"))
    return client


@built
def test_the_page_shows_a_saved_tag_by_its_number(editor, baker) -> None:
    page = html(editor.get(URL, {"tag": baker.pk}))
    assert 'value="Baking"' in page
    assert re.search(r"<strong>\d+</strong> of 40 experts would get this tag at 0.30", page)
    assert "+0</span> gain it" in page
    assert "Based on version 1." in page


@built
def test_the_panel_is_the_same_without_the_frame(editor, baker) -> None:
    asked = {"tag": baker.pk, "name": "Baking", "kind": "industry", "description": "Bakes", "threshold": "0.2"}
    panel = html(editor.get(URL, asked, headers=HTMX))
    assert "<html" not in panel
    assert "would get this tag at 0.20" in panel
    assert 'value="0.20" checked' in panel
    assert 'class="tag-current"' in panel
    assert "style=" not in panel


@built
def test_the_form_may_send_its_fields_by_post_with_its_token(baker) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.staff("experts.change_tag", "experts.view_tag"))
    page = client.get(f"/admin/experts/tag/{baker.pk}/change/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    assert token is not None
    fields = {"name": "Baking", "kind": "industry", "description": "Keeps bees", "form": "1", "is_active": "on"}
    assert client.post(f"{URL}?tag={baker.pk}", fields).status_code == 403
    answer = client.post(f"{URL}?tag={baker.pk}", fields | {"csrfmiddlewaretoken": token[1]})
    assert "Keeps bees" in html(answer)
    baker.refresh_from_db()
    assert baker.description != "Keeps bees"


@built
def test_a_threshold_between_the_usual_ones_gets_a_line_of_its_own(editor, baker) -> None:
    page = html(editor.get(URL, {"tag": baker.pk, "threshold": "0.275"}))
    assert 'value="0.275" checked' in page


@built
@pytest.mark.parametrize("bad", ["2", "-1", "nan", "inf", "x"])
def test_a_threshold_that_is_none_is_refused_in_words(editor, baker, bad) -> None:
    answer = editor.get(URL, {"tag": baker.pk, "threshold": bad})
    assert answer.status_code == 400
    assert re.search(r'class="tag-sentence"[^>]*>[^<]{10,}', html(answer))


def test_a_half_typed_tag_says_what_is_missing(editor) -> None:
    assert "Type a name and a description" in html(editor.get(URL, {"name": "Baking"}))
    answer = editor.get(URL, {"name": "Baking", "description": "Bakes", "kind": ""})
    assert "Choose a kind" in html(answer)
    assert editor.get(URL, {"name": "x" * 81, "description": "d"}).status_code == 400


@built
def test_the_page_says_what_it_does_not_know(editor, baker) -> None:
    Expert.objects.create(username="fresh", bio="Bakes bread.")
    assert "1 active expert is not in it" in html(editor.get(URL, {"tag": baker.pk}))


def test_a_tag_that_does_not_exist_is_not_found(editor) -> None:
    assert editor.get(URL, {"tag": "999999"}).status_code == 404
    assert editor.get(URL, {"tag": "x"}).status_code == 404


def test_before_the_first_version_it_says_so_in_a_sentence(editor) -> None:
    asked = {"name": "Baking", "description": "Bakes"}
    answer = editor.get(URL, asked)
    assert answer.status_code == 503
    assert "There is no index yet" in html(answer)
    assert editor.get(URL, asked, headers=HTMX).status_code == 200, "htmx shows no other"


@built
def test_an_unavailable_model_is_explained(editor, baker, monkeypatch) -> None:
    def refuse() -> None:
        raise EncoderUnavailable("The model is unavailable.")

    monkeypatch.setattr(encoders, "loaded", refuse)
    assert "The model is unavailable." in html(editor.get(URL, {"tag": baker.pk}))


@built
def test_an_inactive_tag_is_announced_as_removed(editor, baker) -> None:
    count = len(holders(baker))
    asked = {"name": "Baking", "kind": "industry", "description": baker.description, "form": "1"}
    assert f"removes it from {count} expert" in html(editor.get(f"{URL}?tag={baker.pk}", asked | {"tag": baker.pk}))
    active = asked | {"tag": baker.pk, "is_active": "on"}
    assert "not active" not in html(editor.get(URL, active))


@built
def test_names_lead_to_the_pages_of_the_experts(editor, baker) -> None:
    assert re.search(r'<a href="/experts/expert-\d+/">', html(editor.get(URL, {"tag": baker.pk})))


@built
def test_what_others_wrote_is_escaped(editor, baker) -> None:
    ExpertTag.objects.all().delete()
    Expert.objects.update(first_name="<script>alert(1)</script>")
    page = editor.get(URL, {"tag": baker.pk, "name": "<b>", "description": '"><script>x</script>'}).content.decode()
    assert "<script>alert" not in page
    assert "<script>x" not in page
