"""The OpenAPI document, and the page that shows it."""

from __future__ import annotations

import gc

import pytest
from django.test.utils import override_script_prefix
from ninja.openapi.schema import OpenAPISchema

from tests.api.test_access import ACTING, KEEPING, READING, SEARCHING
from tests.support.html_reading import blocked_by_csp, parse_html

pytestmark = pytest.mark.django_db


def test_places_that_a_request_makes_up_leave_nothing_behind(client):
    client.get("/api/openapi.json")
    gc.collect()
    before = sum(type(each) is OpenAPISchema for each in gc.get_objects())
    for number in range(5):
        with override_script_prefix(f"/place{number}/"):  # as daphne takes it from a header
            document = client.get("/api/openapi.json").json()
        assert all(path.startswith(f"/place{number}/api/") for path in document["paths"])
    gc.collect()
    assert sum(type(each) is OpenAPISchema for each in gc.get_objects()) == before


def test_every_operation_says_what_it_does_and_how_it_refuses(client):
    document = client.get("/api/openapi.json").json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert (
        len(operations) == len(READING) + len(ACTING) + len(SEARCHING) + sum(map(len, KEEPING.values())) + 1
    )  # to sign in
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        assert "401" in operation["responses"]
        for code, response in operation["responses"].items():
            assert code == "204" or response["content"]["application/json"]["schema"], (operation["summary"], code)


def test_a_get_is_documented_once_although_it_answers_head_too(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    methods = {method for operations in paths.values() for method in operations}
    assert methods == {"get", "post", "put", "patch", "delete"}


def test_both_ways_to_sign_in_are_documented(client):
    schemes = client.get("/api/openapi.json").json()["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} == {"http", "apiKey"}


def test_the_description_is_put_together_once(client, monkeypatch):
    first = client.get("/api/openapi.json").content
    monkeypatch.setattr("ninja.main.get_schema", None)
    assert client.get("/api/openapi.json").content == first


def test_the_page_loads_nothing_from_elsewhere(client):
    page = client.get("/api/docs").content.decode()
    assert "/static/ninja/swagger-ui-bundle.js" in page
    assert blocked_by_csp(parse_html(page)) == []
