"""Where is …?: one expert's rank for a search, and what holds them back, on the page and over the API."""

from __future__ import annotations

import re

import pytest

from experts.models import Expert
from indexing.search import search
from tests.support import cast
from tests.support.html_reading import html_without_bdi

pytestmark = pytest.mark.django_db(transaction=True)

WHERE = "/where/"
HTMX = {"HX-Request": "true"}


def number(username: str) -> int:
    return Expert.objects.get(username=username).pk


@pytest.fixture
def sue(client):
    client.force_login(cast.staff(username="sue"))
    return client


def test_a_username_or_a_name_leads_to_the_rank_beyond_the_list_too(sue):
    snapshot = cast.published(130)
    for who in ("expert-001", "EXPERT-001", "Number001", "erin number001"):
        page = html_without_bdi(sue.get(WHERE, {"q": "steel bridges", "who": who}))
        assert "Erin Number001" in page, who
        assert "of 130" in page, who
        assert "“steel” is in: bio." in page, who
    listed = {hit.expert.pk for hit in search("steel bridges", snapshot, 100).hits}
    unlisted = Expert.objects.exclude(pk__in=listed)
    pages = [html_without_bdi(sue.get(WHERE, {"q": "steel bridges", "expert": each.pk})) for each in unlisted[:3]]
    ranks = [int(match[1]) for page in pages if (match := re.search(r"Number (\d+) of 130", page))]
    assert len(set(ranks)) == 3
    assert min(ranks) > 100
    assert "Words that are missing: “steel”, “bridges”." in pages[0]


def test_several_people_of_one_name_are_offered(sue):
    cast.published(8)
    page = html_without_bdi(sue.get(WHERE, {"q": "steel", "who": "erin"}))
    assert "Which one?" in page
    assert page.count("&amp;expert=") == 8
    assert f'href="?q=steel&amp;expert={number("expert-001")}"' in page
    nobody = html_without_bdi(sue.get(WHERE, {"q": "steel", "who": "<b>nobody</b>"}))
    assert "Nobody in the directory has that name." in nobody
    assert "<b>nobody" not in nobody


def test_names_are_suggested_while_typing(sue):
    cast.published(8)
    Expert.objects.filter(username="expert-002").update(first_name="<i>Zoë", job_title='"Baker"')
    options = sue.get("/where/people/", {"who": "number002"}).content.decode()
    assert '<option value="expert-002">&lt;i&gt;Zoë Number002 · &quot;Baker&quot;</option>' in " ".join(
        options.split()
    )
    assert sue.get("/where/people/", {"who": " "}).content.decode().strip() == ""


def test_a_filter_that_keeps_somebody_out_is_named_and_the_rank_is_without(sue):
    cast.published(16)
    page = html_without_bdi(sue.get(WHERE, {"q": "steel", "who": "expert-001", "category": "Craft", "photo": "1"}))
    assert "Filtered out by: categories, photo. The rank here is without filters." in page
    assert "Number 1 of 16" in page or "Number 2 of 16" in page
    passing = html_without_bdi(sue.get(WHERE, {"q": "steel", "who": "expert-001", "category": "Finance"}))
    assert "Filtered out" not in passing
    assert "of 8" in passing


def test_somebody_new_or_edited_is_told_apart_from_somebody_who_ranks_low(sue):
    cast.published(8)
    late = Expert.objects.create(username="late", first_name="Lana", job_title="Welder")
    page = html_without_bdi(sue.get(WHERE, {"q": "steel", "expert": late.pk}))
    assert "Not in index version 1." in page
    assert "Not among the results" in page
    assert "write a bio of at least 300 characters" in page
    Expert.objects.filter(username="expert-001").update(job_title="Diver", company="Deep")
    edited = html_without_bdi(sue.get(WHERE, {"q": "steel", "who": "expert-001"}))
    assert "Edited since the index was built (job title, company)." in edited


def test_inactive_experts_are_shown_only_to_those_who_may_open_them(sue):
    cast.published(8)
    Expert.objects.filter(username="expert-001").update(is_active=False)
    asked = [{"q": "steel", "who": "expert-001"}, {"q": "steel", "expert": number("expert-001")}]
    for each in asked:
        page = html_without_bdi(sue.get(WHERE, each))
        assert "Nobody in the directory has that name." in page
        assert "Erin Number001" not in page
    assert "expert-001" not in sue.get("/where/people/", {"who": "number001"}).content.decode()
    sue.force_login(cast.staff("experts.view_expert", username="ed"))
    for each in asked:
        assert "Not active: only active experts are found." in html_without_bdi(sue.get(WHERE, each))


def test_a_hit_opens_its_explanation_alone_or_without_javascript_a_page(sue):
    cast.published(8)
    page = html_without_bdi(sue.get("/", {"q": "steel bridges", "category": "Finance"}))
    address = f"/where/?q=steel+bridges&category=Finance&expert={number('expert-001')}"
    written = address.replace("&", "&amp;")
    assert f'hx-get="{written}"' in page
    assert f'<a href="{written}">See the explanation</a>' in page
    assert '<form class="where-form" method="get" action="/where/">' in page
    alone = html_without_bdi(sue.get(address, headers=HTMX))
    assert "<html" not in alone
    assert "“bridges” is in: bio." in alone
    assert "<summary>Details</summary>" in alone
    assert "<html" in html_without_bdi(sue.get(address))


def test_another_version_is_explained_in_the_lab_to_those_who_see_the_index(sue):
    first = cast.published(8)
    Expert.objects.filter(username="expert-001").update(bio="Keeps bees.", job_title="Beekeeper")
    second = cast.published_again()
    asked = {"q": "steel", "who": "expert-001", "version": first.number}
    assert sue.get(WHERE, asked).status_code == 403
    sue.force_login(cast.staff("indexing.view", username="viewer"))
    assert "Number 1 of 8" in html_without_bdi(sue.get(WHERE, asked))
    lab = html_without_bdi(
        sue.get("/admin/index/lab/", {"q": "steel", "version": first.number, "with": second.number})
    )
    assert f"/where/?q=steel&amp;mode=hybrid&amp;version={first.number}&amp;expert=" in lab
    forms = lab.split('<form class="where-form" method="get" action="/where/">')[1:]
    sent = [re.findall(r'name="(q|mode|version)" value="([^"]*)"', form.partition("</form>")[0]) for form in forms]
    columns = [str(second.number), str(first.number)]
    assert [dict(each) for each in sent] == [{"q": "steel", "mode": "hybrid", "version": each} for each in columns]


def test_before_the_first_version_and_without_a_query_it_says_so(sue):
    assert sue.get(WHERE, {"q": "steel", "who": "x"}).status_code == 503
    assert sue.get("/where/people/", {"who": "x"}).status_code == 200
    cast.published(3)
    assert "Type what you are looking for." in html_without_bdi(sue.get(WHERE, {"who": "expert-001"}))
    assert sue.get(WHERE).status_code == 200
    assert (
        sue.get(
            WHERE, {"q": "case", "who": "expert-001", "rate_min": "9", "rate_max": "1", "currency": "EUR"}
        ).status_code
        == 422
    )


@pytest.mark.parametrize("name", ["who", "expert", "version", "mode", "q"])
def test_any_value_is_answered(sue, name):
    cast.published(3)
    for value in ("\0", "x" * 5_000, "-1", "nan", "<script>", "日本", "\u202e", "9" * 30):
        asked = {"q": "case", "who": "expert-001"} | {name: value}
        answer = sue.get(WHERE, asked)
        assert answer.status_code in ((200, 403) if name == "version" else (200,)), (value, answer.status_code)
        assert "<script>x" not in answer.content.decode()


def test_of_a_long_profile_the_nearest_passage_is_shown_marked_and_escaped(sue):
    cast.experts(8)
    filler = "I travel a lot and like to listen to people of all kinds. " * 12
    passage = "Then I weld <i>copper</i> kettles for distilleries."
    Expert.objects.filter(username="expert-002").update(bio=f"{filler}{passage} {filler}")
    cast.published_again()
    page = html_without_bdi(sue.get(WHERE, {"q": "copper kettles", "who": "expert-002"}))
    shown = page.partition('<blockquote class="passage">')[2].partition("</blockquote>")[0]
    assert "&lt;i&gt;<mark>copper</mark>&lt;/i&gt; <mark>kettles</mark>" in shown
    assert len(shown) < 1_000
    answer = sue.get("/api/where", {"q": "copper kettles", "who": "expert-002"}).json()
    start, length = answer["standing"]["explanation"]["passage"]
    assert "kettles for" in Expert.objects.get(username="expert-002").bio[start : start + length]
    short = html_without_bdi(sue.get(WHERE, {"q": "copper kettles", "who": "expert-001"}))
    assert "<blockquote" not in short
