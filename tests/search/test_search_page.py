"""The search page: results, with and without htmx, and what it says if there are none."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from experts.models import Expert, ExpertTag, Tag
from indexing import encoders
from indexing.errors import EncoderUnavailable
from tests.support import cast

HTMX = {"HX-Request": "true"}

built = pytest.mark.django_db(transaction=True)
"""Building a version needs committed rows: its log is written by a thread."""


@pytest.fixture
def person(client, db):
    client.force_login(cast.staff(username="sue"))
    return client


def html(response) -> str:
    """The page without the <bdi> around names."""
    return re.sub(r"</?bdi[^>]*>|[\u2066-\u2069]", "", " ".join(response.content.decode().split()))


@pytest.mark.django_db
def test_whoever_is_not_signed_in_signs_in_first_and_comes_back_to_the_query(client):
    answer = client.get("/?q=welder")
    assert answer.url == f"{reverse('accounts:sign-in')}?next=/%3Fq%3Dwelder"


@pytest.mark.django_db
def test_it_is_for_staff(client):
    client.force_login(cast.visitor())
    assert client.get("/").status_code == 403


def test_without_a_query_it_shows_examples(person):
    page = person.get("/")
    assert page.status_code == 200
    assert html(page).count('<li><a href="?q=') >= 3
    assert 'method="get"' in html(page)


@pytest.mark.parametrize("blank", ["", "  ", "\t"])
def test_blank_words_count_as_none(person, blank):
    assert "Who are you looking for?" in html(person.get("/", {"q": blank}))


@pytest.mark.django_db
def test_before_the_first_version_it_says_what_to_do(client):
    client.force_login(cast.staff("indexing.view", "indexing.rebuild"))
    answer = client.get("/", {"q": "welder"})
    assert answer.status_code == 503
    assert "press “Rebuild index”" in html(answer)
    assert 'href="/admin/index/"' in html(answer)


def test_a_person_without_the_permission_learns_who_can_rebuild(person):
    answer = person.get("/", {"q": "welder"})
    assert answer.status_code == 503
    assert "Ask somebody who may rebuild" in html(answer)
    assert "/admin/index/" not in html(answer)


@built
def test_a_card_shows_the_expert_and_why_they_match(client):
    client.force_login(cast.staff("experts.view_expert"))
    cast.experts(8)
    welder = Expert.objects.get(username="expert-001")
    welder.hourly_rate, welder.currency, welder.photo_url = "87.50", "EUR", "https://photos.example.org/1.jpg"
    welder.save()
    ExpertTag.objects.create(expert=welder, tag=Tag.objects.create(name="Offshore", kind="industry"))
    snapshot = cast.published_again()
    answer = client.get("/", {"q": "underwater steel bridges"})
    assert answer.status_code == 200
    page = html(answer)
    card = page.partition('<li class="expert">')[2].partition("</li>")[0]
    for shown in (
        "Erin Number001",
        "Welder · Company 1",
        "87.50 EUR",
        "Finance",
        "Offshore",
        ">EN</span>",
        "meaning #1",
        "keywords #1",
        f"/experts/{welder.username}/?q=underwater+steel+bridges",
    ):
        assert shown in card, shown
    assert "photos.example.org" not in card  # pages load nothing from other servers
    assert re.search(r"similarity 0\.\d\d", card)
    assert re.search(rf"index version {snapshot.number} · [\d]+ ms", page)


@built
def test_everybody_who_may_search_may_open_a_result(person):
    cast.published()
    page = html(person.get("/", {"q": "welder"}))
    assert "/similar/" in page
    assert 'href="/experts/expert-001/?q=welder"' in page


@built
def test_modes_and_more_hits(person):
    cast.published(30)
    words = html(person.get("/", {"q": "welder", "mode": "keyword"}))
    assert "similarity" not in words
    assert re.search(r'value="keyword" checked', words)
    nonsense = html(person.get("/", {"q": "welder", "mode": "nonsense", "k": "-3"}))
    assert re.search(r'value="hybrid" checked', nonsense)
    assert nonsense.count('<li class="expert">') == 20
    more = re.search(r'class="quiet-button" href="(\?[^"]*)"', nonsense)
    assert more
    assert html(person.get("/" + more[1].replace("&amp;", "&"))).count('<li class="expert">') == 30


@built
def test_without_results_it_suggests_what_to_do(person):
    cast.published()
    answer = person.get("/", {"q": "<zzyzx>", "mode": "keyword"})
    assert answer.status_code == 200
    assert "No experts found for “&lt;zzyzx&gt;”" in html(answer)
    assert "Search by meaning instead" in html(answer)


@built
@pytest.mark.parametrize("query", ["x" * 10_000, "a:b AND (", "\0", "🦊" * 50, "' OR 1=1 --", "日本語"], ids=range(6))
def test_any_words_are_answered(person, query):
    cast.published()
    assert person.get("/", {"q": query}).status_code == 200


@built
def test_without_the_model_keyword_search_still_works(person, settings):
    cast.published()
    settings.TCS_ENCODER = "tests.search.test_search_page.BrokenEncoder"
    encoders.reset()
    answer = person.get("/", {"q": "welder"})
    assert answer.status_code == 503
    assert "The model has gone missing." in html(answer)
    assert "mode=keyword" in html(answer)
    assert person.get("/", {"q": "welder", "mode": "keyword"}).status_code == 200


class BrokenEncoder:
    def __init__(self) -> None:
        raise EncoderUnavailable("The model has gone missing.")


@built
def test_htmx_gets_the_results_alone_and_the_address_to_share(person):
    cast.published()
    first = person.get(
        "/", {"q": "tax & law", "mode": "hybrid"}, headers=HTMX | {"HX-Current-URL": "http://testserver/"}
    )
    assert first.headers["HX-Push-Url"] == "/?q=tax+%26+law"
    assert "<html" not in html(first)
    assert "HX-Request" in first.headers["Vary"]
    typing_on = HTMX | {"HX-Current-URL": "http://testserver/?q=tax"}
    second = person.get("/", {"q": "welder", "mode": "keyword"}, headers=typing_on)
    assert second.headers["HX-Replace-Url"] == "/?q=welder&mode=keyword"
    assert "HX-Push-Url" not in second.headers
    shared = person.get(second.headers["HX-Replace-Url"])
    assert "Erin Number001" in html(shared)
    assert 'value="welder"' in html(shared)


def test_htmx_shows_what_to_do_before_the_first_version_too(person):
    answer = person.get("/", {"q": "welder"}, headers=HTMX)
    assert answer.status_code == 200
    assert "There is no index yet" in html(answer)


def test_going_back_in_the_browser_gets_a_whole_page(person):
    answer = person.get("/", headers=HTMX | {"HX-History-Restore-Request": "true"})
    assert "<html" in html(answer)


def checked(page: str) -> set[str]:
    return set(re.findall(r'<input type="checkbox"[^>]* value="([^"]*)" checked>', page))


@built
def test_filters_stand_in_the_address_and_work_without_javascript(person):
    cast.experts(16)
    tag = Tag.objects.create(name="Ropes & knots", kind="domain", is_active=False)
    for expert in Expert.objects.filter(username__in=("expert-002", "expert-003")):
        ExpertTag.objects.create(expert=expert, tag=tag)
    Expert.objects.filter(username="expert-003").update(hourly_rate=80, currency="EUR")
    cast.published_again()
    asked = {"q": "case", "tag": "Ropes & knots", "category": "Finance", "rate_min": "70", "currency": "EUR"}
    page = html(person.get("/", asked))
    assert page.count('<li class="expert">') == 1
    assert checked(page) == {"Ropes &amp; knots", "Finance"}
    assert 'name="rate_min" min="0" step="any" inputmode="decimal" placeholder="from" value="70"' in page
    assert "<option selected>EUR</option>" in page
    assert page.count('class="chip"') == 3
    without_rate = re.search(r'class="chip" href="([^"]*)" title="[^"]*"> from 70 EUR per hour', page)
    assert without_rate
    assert without_rate[1] == "?q=case&amp;tag=Ropes+%26+knots&amp;category=Finance"


@built
def test_htmx_gets_the_facets_beside_the_results(person):
    cast.published(16)
    answer = person.get("/", {"q": "case", "category": "Craft", "photo": ""}, headers=HTMX)
    page = html(answer)
    assert answer.headers["HX-Push-Url"] == "/?q=case&category=Craft"
    assert '<div id="facets" hx-swap-oob="innerHTML">' in page
    assert page.count('<li class="expert">') == 8
    assert re.search(r'value="Finance"> <span class="value-name">Finance</span> <span class="count">8</span>', page)


@built
def test_people_are_filtered_by_place_languages_and_date_in_words_of_the_reader(person):
    cast.experts(4)
    there = {"city": "Zürich", "country": "CH", "languages": "de nl", "available_from": "2026-12-01"}
    Expert.objects.filter(username="expert-001").update(**there)
    Expert.objects.filter(username="expert-002").update(country="NL", languages="nl", available_from="2027-01-01")
    cast.published_again()
    asked = {"q": "case", "country": "ch", "city": "Zurich", "language": "nl", "available_by": "2026-12-31"}
    page = html(person.get("/", asked))
    assert page.count('<li class="expert">') == 1
    assert checked(page) == {"CH", "Zürich", "nl"}
    assert re.findall(r'title="Remove filter"> (.*?)<span', page) == [
        *("Switzerland", "Zurich", "speaks Dutch", "available by 31 Dec 2026")
    ]
    assert 'name="available_by" value="2026-12-31"' in page
    dutch = html(person.get("/", asked | {"city": "", "available_by": ""}, headers={"Accept-Language": "nl"}))
    assert re.search('value="NL"> <span class="value-name">Nederland</span> <span class="count">', dutch)
    assert re.search('value="nl" checked> <span class="value-name">Nederlands</span>', dutch)
    nobody = html(person.get("/", {"q": "case", "language": ["nl", "de"], "available_by": "2026-01-01"}))
    assert "Without the filter “available by 1 Jan 2026” there is 1 expert." in nobody
    assert person.get("/", {"q": "case", "available_by": "soon"}).context["form"].day == ""


def test_a_rate_of_a_million_keeps_its_digits_on_the_page_and_in_its_addresses(person):
    answer = person.get("/", {"q": "case", "rate_min": "1234567", "rate_max": "1234567.5", "currency": "IDR"})
    form = answer.context["form"]
    assert [chip.text for chip in form.chips()] == ["1,234,567 to 1,234,567.5 IDR per hour"]
    assert form.rate_fields == {"low": "1234567", "high": "1234567.5"}
    assert "rate_min=1234567&rate_max=1234567.5" in form.address()
    assert 'value="1234567.5"' in answer.content.decode()


@built
def test_a_filter_of_rates_says_which_currencies_it_leaves_out(person):
    cast.experts(6)
    for number, currency in enumerate(("EUR", "EUR", "EUR", "USD", "GBP", ""), 1):
        Expert.objects.filter(username=f"expert-{number:03d}").update(hourly_rate=80, currency=currency)
    cast.published_again()
    note = "Rates in other currencies are left out"
    assert "Only rates in EUR are compared. Rates in other currencies are left out: GBP, USD." in " ".join(
        person.get("/", {"q": "case", "rate_min": "50"}).content.decode().split()
    )
    assert "left out: EUR, GBP." in html(person.get("/", {"q": "case", "rate_max": "90", "currency": "USD"}))
    assert note not in person.get("/", {"q": "case", "currency": "USD"}).content.decode()
    assert note not in person.get("/", {"q": "case"}).content.decode()
    refused = person.get("/api/search", {"q": "case", "rate_min": "50"})
    assert refused.json()["fields"] == {"currency": "Choose the currency of the rate, one of: EUR, GBP, USD."}


@built
def test_rates_without_a_currency_are_in_the_most_common_one(person):
    cast.experts(4)
    Expert.objects.update(hourly_rate=80, currency="CHF")
    cast.published_again()
    page = html(person.get("/", {"q": "case", "rate_max": "80,5"}))
    assert "up to 80.5 CHF per hour" in page
    assert page.count('<li class="expert">') == 4
    assert html(person.get("/", {"q": "case", "rate_max": "cheap"})).count('<li class="expert">') == 4


@built
def test_contradicting_filters_are_reported(person):
    cast.published(4)
    answer = person.get("/", {"q": "case", "rate_min": "90", "rate_max": "10", "currency": "EUR"})
    assert answer.status_code == 422
    assert "The maximum rate, 10, is below the minimum, 90." in html(answer)


@built
def test_without_results_it_offers_to_remove_a_filter_and_related_tags(person):
    cast.experts(16)
    tag = Tag.objects.create(name="Hull repair", kind="domain", is_active=False)
    for expert in Expert.objects.filter(job_title="Welder"):
        ExpertTag.objects.create(expert=expert, tag=tag)
    cast.published_again()
    page = html(person.get("/", {"q": "ship hulls", "category": "Finance", "tag": "No such tag"}))
    assert "No experts found" in page
    assert "Without the filter “No such tag” there are 2 experts." in page
    assert 'class="solid-button" href="?q=ship+hulls&amp;category=Finance"' in page
    assert re.search(r'<li><a href="\?q=ship\+hulls&amp;tag=', page)


@built
def test_the_words_that_were_found_are_marked(person):
    cast.experts(8)
    tag = Tag.objects.create(name="Steel works", kind="domain", is_active=False)
    ExpertTag.objects.create(expert=Expert.objects.get(username="expert-001"), tag=tag)
    Expert.objects.filter(username="expert-001").update(company="<b>Steel</b>")
    cast.published_again()
    page = html(person.get("/", {"q": "bridge steel"}))
    assert "Repairs <mark>steel</mark> <mark>bridges</mark> and ship hulls" in page
    assert "&lt;b&gt;<mark>Steel</mark>&lt;/b&gt;" in page
    assert 'tag-common" title="Matches your query"><mark>Steel</mark> works' in page


@built
@pytest.mark.parametrize(
    "name",
    [
        *("tag", "industry", "category", "rate_min", "rate_max", "currency", "photo", "match"),
        *("country", "city", "language", "available_by"),
    ],
)
def test_any_filter_is_answered(person, name):
    cast.published(3)
    for value in ("\0", "x" * 5_000, "-1", "nan", "1e400", "<script>", "日本", "\ud800"):
        answer = person.get(f"/?{urlencode({'q': 'case', name: value}, errors='surrogatepass')}")
        assert answer.status_code in (200, 422), (value, answer.status_code)


def test_the_browser_may_keep_the_page_and_nothing_else_of_the_same_address(person):
    page = person.get("/")
    assert page["Cache-Control"] == "private, no-cache"
    assert "HX-Request" in page["Vary"]
    assert "no-store" in person.get("/", headers=HTMX)["Cache-Control"]
    person.logout()
    assert "no-store" in person.get("/")["Cache-Control"]
    assert "no-store" in person.get("/", headers=HTMX)["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize("shown", ["/", "/?q=bread"])
def test_a_search_after_the_session_has_ended_leads_back_to_the_words_typed_last(client, shown):
    headers = HTMX | {"HX-Current-URL": f"http://testserver{shown}"}
    answer = client.get("/", {"q": "bread baker"}, headers=headers)
    assert answer["HX-Redirect"] == f"{reverse('accounts:sign-in')}?next=/%3Fq%3Dbread%2Bbaker"
