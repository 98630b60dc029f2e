"""Requests that schemathesis makes from the OpenAPI document: each answer is one that the document promises."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation

from experts.models import Tag
from indexing.models import ApiToken
from tests.support import cast
from tests.support.security_cast import one_of_everything

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = 8
"""for each operation and kind of data"""
FIXED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
EXISTING = {"tag": ["Knots"], "industry": ["Knots"], "category": ["Craft", "Finance"]}


@pytest.fixture
def headers(settings) -> Iterator[dict[str, str]]:
    one_of_everything(settings)
    user = cast.staff(superuser=True, username="root")
    Tag.objects.create(name="Knots", kind="domain", is_active=False)
    secret = ApiToken.objects.issue(user, "schemathesis", timedelta(days=1))[1]
    logging.disable()
    yield {"Authorization": f"Bearer {secret}"}
    logging.disable(logging.NOTSET)


def keep_what_no_schema_can_say(case: Case) -> None:
    """Filters name what exists, and rates have a currency and an order."""
    query = case.query
    for name, values in EXISTING.items():
        if query.get(name):
            query[name] = values
    rates = sorted(float(query[name]) for name in ("rate_min", "rate_max") if query.get(name) is not None)
    if rates:
        query["currency"] = "EUR"
        if len(rates) == 2:
            query["rate_min"], query["rate_max"] = rates


def faults(operation: APIOperation, mode: GenerationMode, headers: dict[str, str]) -> list[str]:
    asked = []

    @FIXED
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        asked.append(case)
        if mode == GenerationMode.POSITIVE:
            keep_what_no_schema_can_say(case)
        case.call_and_validate(headers=headers)

    try:
        ask()
    except FailureGroup as error:  # the other operations are tried too
        return [f"{operation.label}, {mode.value} data: {error}", *map(str, error.exceptions)]
    assert asked
    return []


def test_every_operation_keeps_to_the_schema(headers):
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", WSGIHandler())
    operations = [each.ok() for each in schema.get_all_operations()]
    assert len(operations) > 15
    found = [fault for each in operations for mode in GenerationMode for fault in faults(each, mode, headers)]
    assert not found, "\n\n".join(["", *found])
