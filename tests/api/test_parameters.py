"""What every endpoint does with its parameters: HEAD, unknown ones, and the sentences about wrong ones."""

from __future__ import annotations

import pytest

from experts.models import Tag
from indexing.api import validation
from indexing.api.schemas.common import NO_NUL, NOT_BLANK
from tests.api.test_access import ACTING, READING, SEARCHING
from tests.support import cast

pytestmark = pytest.mark.django_db(transaction=True)

SEARCH = "/api/search"


@pytest.fixture
def root(client):
    client.force_login(cast.staff(superuser=True))
    return client


def test_head_is_answered_as_get_without_a_body(root):
    cast.published(3)
    for path in (*READING, *SEARCHING):
        get, head = root.get(path), root.head(path)
        assert head.status_code == get.status_code, path
        assert head["Content-Type"] == get["Content-Type"]
        assert head.content == b""


def test_head_does_not_act(root):
    for path in [each for each in ACTING if each not in READING]:
        answer = root.head(path)
        assert (answer.status_code, answer["Allow"]) == (405, "POST"), path


def test_an_unknown_parameter_is_422_and_named(root):
    """By every endpoint, whatever else is wrong with the request."""
    for path in (*READING, *SEARCHING, *ACTING, "/api/admin/auth"):
        address = f"{path}{'&' if '?' in path else '?'}catgory=Finance"
        acts = path in (*ACTING, "/api/admin/auth")
        answer = root.post(address, content_type="application/json") if acts else root.get(address)
        assert answer.status_code == 422, path
        assert answer.json()["fields"]["catgory"] == "There is no such parameter."
        assert "catgory" in answer.json()["detail"]


def test_an_unknown_parameter_is_named_together_with_what_is_missing(root):
    fields = root.get(SEARCH, {"query": "bread"}).json()["fields"]
    assert fields == {"q": "This field is required.", "query": "There is no such parameter."}


def test_whoever_lacks_the_permission_learns_nothing_about_parameters(client):
    assert client.get("/api/admin/versions?x=1").status_code == 401
    client.force_login(cast.staff())
    assert client.get("/api/admin/versions?x=1").status_code == 403


def test_an_unknown_category_is_refused_like_an_unknown_tag(root):
    cast.published(4)
    for name in ("tag", "category"):
        for value in ("No such thing", "", "finance\0"):
            answer = root.get(SEARCH, {"q": "case", name: value})
            assert answer.status_code == 422, (name, value)
            assert list(answer.json()["fields"]) == [name]
            assert f"“{value}”" in answer.json()["fields"][name]


def test_several_categories_widen_like_several_tags_and_case_counts_in_both(root):
    tag = Tag.objects.create(name="Knots", kind="domain", is_active=False)
    assert tag
    cast.published(6)
    both = root.get(SEARCH, {"q": "case", "category": ["Finance", "Craft", "Craft"]})
    assert both.status_code == 200
    assert {hit["expert"]["category"] for hit in both.json()["hits"]} == {"Finance", "Craft"}
    for name, value in (("tag", "knots"), ("category", "finance")):
        assert root.get(SEARCH, {"q": "case", name: value}).status_code == 422


SPOILT = [
    ("/api/admin/ingest/runs?limit=x", "limit", "Voer een geheel getal in."),
    ("/api/admin/ingest/runs?limit=0", "limit", "Zorg ervoor dat deze waarde minstens 1 is."),
    ("/api/admin/ingest/runs?limit=201", "limit", "Zorg ervoor dat deze waarde hoogstens 200 is."),
    ("/api/search", "q", "Dit veld is verplicht."),
    ("/api/search?q=x&rate_min=x&currency=EUR", "rate_min", "Voer een getal in."),
]


def test_sentences_follow_the_accepted_language(root):
    """These are Django's own sentences, so each of Django's languages has them."""
    for address, field, sentence in SPOILT:
        dutch = root.get(address, headers={"Accept-Language": "nl"})
        assert dutch.status_code == 422
        assert dutch.json()["fields"] == {field: sentence}
        assert root.get(address).json()["fields"] != {field: sentence}


BODIES = [
    ("/api/admin/ingest/run", '{"kind": "all"}', "kind", "Use one of these: full, tags."),
    ("/api/admin/ingest/run", '{"reembed": "perhaps"}', "reembed", "Send true or false."),
    ("/api/admin/ingest/run", '{"reason": 7}', "reason", "Send a text."),
    ("/api/admin/ingest/run", '{"reason": "\\u0000"}', "reason", "Null characters are not allowed."),
    ("/api/admin/ingest/run", '{"reason": "' + "x" * 2001 + '"}', "reason", "Use at most 2000 characters."),
    ("/api/admin/versions/1/pin", "{}", "reason", "This field is required."),
    ("/api/admin/versions/1/pin", '{"reason": " "}', "reason", "This field is required."),
]


def test_a_wrong_value_in_a_body_has_a_sentence_of_ours(root):
    for path, body, field, sentence in BODIES:
        answer = root.post(path, body, content_type="application/json")
        assert answer.status_code == 422
        assert answer.json()["fields"] == {field: sentence}


def test_a_query_of_spaces_is_refused_as_an_empty_one(root):
    cast.published(3)
    for q, sentence in (("", "This field is required."), (" \t", "Type what you are looking for.")):
        assert root.get(SEARCH, {"q": q}).json()["fields"] == {"q": sentence}


def test_the_schema_says_that_a_query_is_not_empty(client):
    parameters = client.get("/api/openapi.json").json()["paths"][SEARCH]["get"]["parameters"]
    q = next(each for each in parameters if each["name"] == "q")
    assert (q["schema"]["minLength"], q["schema"]["pattern"], q["required"]) == (1, NOT_BLANK, True)


def test_no_sentence_is_pydantics_own():
    """An error of a type that nobody has thought of has a sentence too, and it is not English in every language."""
    assert validation.sentence({"type": "url_parsing", "msg": "Input should be a URL"}) == "This value is not valid."
    assert validation.sentence({"type": "string_pattern_mismatch", "ctx": {"pattern": "x"}}) != ""
    assert validation.sentence({"type": "string_pattern_mismatch", "ctx": {"pattern": NO_NUL}}).startswith("Null")
    assert validation.sentence({"type": "string_too_short", "ctx": {"min_length": 2}}) == "Use at least 2 characters."
