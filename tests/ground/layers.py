"""The layers of the house: which package lies above which. docs/architecture.md draws them."""

from __future__ import annotations

from collections.abc import Iterable

from tests.ground.imports import Import, is_ours, within

LAYERS = (
    {"experts", "indexing.lib"},
    {"indexing.models"},
    {"indexing.errors", "indexing.runlog", "indexing.notifications"},
    {"indexing.audit", "indexing.sign_in", "indexing.snapshot"},
    {"indexing.encoders", "indexing.versions"},
    {"indexing.search", "indexing.runs", "indexing.building"},
    {"indexing.serving"},
    {"indexing.quality", "indexing.drift", "indexing.embedding_map"},
    {"indexing.api", "indexing.console", "indexing.worker"},
    {"indexing.ops", "indexing.templatetags", "indexing.admin", "indexing.apps"},
    {"accounts"},
    {"indexing.management", "tcs_site"},
)
"""A package imports only from rows before its own: none of its own row, none of a later one."""


def package_of(name: str) -> str:
    """The package of LAYERS that a module belongs to; "" for one that has no place there."""
    return next((package for row in LAYERS for package in row if within(name, package)), "")


def row_of(name: str) -> int:
    return next((number for number, row in enumerate(LAYERS) if package_of(name) in row), -1)


def against_the_layers(imports: Iterable[Import]) -> list[Import]:
    """The imports of one package by another that do not go down. What has no place in LAYERS is not looked at."""
    return [
        each
        for each in imports
        if is_ours(each.what)
        and package_of(each.by) != package_of(each.what)
        and row_of(each.what) >= row_of(each.by) >= 0
    ]
