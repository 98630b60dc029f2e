"""Requests that schemathesis makes from the OpenAPI document: each answer is one that the document promises."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.schemas import APIOperation, BaseSchema

from experts.models import Tag
from indexing.api.schemas.experts import NewExpert
from indexing.models import ApiToken
from tests.support import cast
from tests.support.security_cast import one_of_everything

pytestmark = pytest.mark.django_db(transaction=True)

BY_MEANING = (
    *("tag", "industry", "category", "country", "city", "language", "currency", "rate_min", "rate_max"),
    *("query", "expected", "unwanted", "file", "photo"),
    *NewExpert.model_fields,
)
"""What is refused for what it means: a name that does not exist, a rate without a currency, a text that is too long
for the field of an expert, a query that has a search test already, a file that is not a document or picture."""
FIXED = settings(
    max_examples=2, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
"""Few random requests: those at the limits of the schema are made one by one, without chance."""


@pytest.fixture
def headers(settings) -> Iterator[dict[str, str]]:
    one_of_everything(settings)
    Tag.objects.create(name="Knots", kind="domain", is_active=False)
    secret = ApiToken.objects.issue(cast.staff(superuser=True, username="root"), "x", timedelta(days=1))[1]
    logging.disable()
    for each in (request_started, request_finished):
        each.disconnect(close_old_connections)  # as Django's own client does: each would open one
    yield {"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"}  # its WSGI client unpacks nothing
    for each in (request_started, request_finished):
        each.connect(close_old_connections)
    logging.disable(logging.NOTSET)


def faults(operation: APIOperation, schema: BaseSchema, headers: dict[str, str]) -> list[str]:
    asked = []

    def ask(case: Case) -> None:
        asked.append(case)
        answer = case.call(headers=headers)
        left_out = []
        if answer.status_code == 422 and set(answer.json()["fields"]) <= set(BY_MEANING):
            left_out = [schemathesis.checks.positive_data_acceptance]
        case.validate_response(answer, headers=headers, excluded_checks=left_out)

    modes = [HypothesisTestMode.COVERAGE, HypothesisTestMode.FUZZING]
    config = HypothesisTestConfig(project=schema.config, modes=modes, settings=FIXED, seed=1)
    try:
        create_test(operation=operation, test_func=ask, config=config)()
    except FailureGroup as error:  # the other operations are tried too
        return [f"{operation.label}: {error}", *map(str, error.exceptions)]
    assert len(asked) > 2, operation.label
    return []


def test_every_operation_keeps_to_the_schema(headers: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", WSGIHandler())
    operations = [each.ok() for each in schema.get_all_operations()]
    assert len(operations) > 15
    found = [fault for each in operations for fault in faults(each, schema, headers)]
    assert not found, "\n\n".join(["", *found])
