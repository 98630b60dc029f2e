"""The section of the admin's sidebar that leads to the pages of the index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PAGES: tuple[tuple[str, str, Promise], ...] = (
    ("page", "index:page", _("Index and runs")),
    ("drift", "index:drift", _("Drift")),
    ("charts", "index:charts", _("Charts")),
    ("versions", "index:versions", _("Versions")),
    ("lab", "index:lab", _("Lab")),
    ("search-tests", "index:search-tests", _("Search tests")),
    ("map", "index:map", _("Map")),
    ("searches", "index:searches", _("Searches")),
    ("search", "search", _("Search experts")),
)
"""Key, name of the URL and label."""
IN_PAGES = {"SearchTest"}
"""Models whose list is one of the pages."""


@dataclass(frozen=True, slots=True)
class SidebarLink:
    key: str
    label: str | Promise
    address: str
    is_here: bool
    """Whether the link leads to the page that is shown."""
    marks_section: bool
    """the page that is shown is this one or belongs to it"""
    add_address: str = ""


def sidebar_links(path: str, apps: Iterable[dict[str, Any]]) -> list[SidebarLink]:
    """The pages of the index, then what the admin lists of it in `apps`, as seen from the page at `path`."""
    pages = [_page(path, key, reverse(name), label) for key, name, label in PAGES]
    models = [
        model
        for app in apps
        for model in app["models"]
        if model["admin_url"] and model["object_name"] not in IN_PAGES
    ]
    return pages + [_model(path, model) for model in models]


def _page(path: str, key: str, address: str, label: Promise) -> SidebarLink:
    if key == "page":  # the start of the address of every other page of the index
        marks_section = path == address or path.startswith(reverse("index:page") + "runs/")
    else:
        marks_section = key != "search" and path.startswith(address)
    return SidebarLink(key, label, address, path == address, marks_section)


def _model(path: str, model: dict[str, Any]) -> SidebarLink:
    here = path.startswith(model["admin_url"])
    return SidebarLink(
        key=model["object_name"].lower(),
        label=model["name"],
        address=model["admin_url"],
        is_here=here,
        marks_section=here,
        add_address=model["add_url"] or "",
    )
