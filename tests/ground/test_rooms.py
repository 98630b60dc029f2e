"""The house keeps the limits that docs/contributing.md names."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

from tests.ground.rooms import MOST_ROOMS, House, arrows_of, longest_chain, measure


@cache
def house() -> House:
    return measure(Path(settings.BASE_DIR))


def test_rooms_that_import_each_other_in_a_circle_are_found():
    chain, cycle = longest_chain({"a": {"b"}, "b": {"c"}, "c": set()})
    assert (chain, cycle) == (["a", "b", "c"], [])
    chain, cycle = longest_chain({"a": {"b"}, "b": {"a", "c"}})
    assert len(chain) == 3
    assert set(cycle) == {"a", "b"}


def test_there_are_rooms_and_arrows():
    assert arrows_of(()) == {}
    assert "indexing.search" in house().rooms
    assert "indexing.search -> indexing.models" in house().arrows


def test_the_house_has_few_rooms():
    assert len(house().rooms) <= MOST_ROOMS


@pytest.mark.parametrize(
    "limit",
    [
        "upward_imports",
        "rooms_in_cycles",
        "function_imports",
        "long_files",
        "long_functions",
        "long_views",
        "long_templates",
        "long_template_lines",
        "doubled_classes",
    ],
)
def test_the_house_keeps_its_limits(limit):
    assert getattr(house(), limit) == []
