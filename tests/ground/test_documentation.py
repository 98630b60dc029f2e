"""The documentation names what there is: files, commands, settings, pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from experts.importing.columns import COLUMNS
from tcs_site.environment import DECLARED
from tests.ground.layers import LAYERS
from tests.ground.rooms import rooms_of

ROOT = Path(settings.BASE_DIR)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ROOMS = ("experts/", "indexing/", "tcs_site/", "templates/", "static/", "tests/", "docs/", "locale/", ".ci/")


def code_in(page: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page):
    named = [code for code in code_in(page) if code.startswith(ROOMS) and not re.search(r"[<*{ ]", code)]
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_is_there(page):
    named = set(re.findall(r"manage\.py ([a-z_]+)", page.read_text()))
    assert named - set(get_commands()) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_that_a_page_names_is_declared(page):
    named = set(re.findall(r"\bTCS_[A-Z_]*[A-Z]\b", page.read_text()))
    assert named - set(DECLARED) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    broken = []
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        name, _, heading = target.partition("#")
        file = (page.parent / name) if name else page
        if not file.exists() or (heading and heading not in headings_of(file)):
            broken.append(target)
    assert broken == []


def headings_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    }


def test_every_command_of_ours_is_documented():
    ours = {name for name, app in get_commands().items() if app in ("accounts", "experts", "indexing", "tcs_site")}
    table = (ROOT / "docs" / "operating.md").read_text().partition("## Command line")[2]
    of_django = {"makemessages"}  # extended; docs/contributing.md says how it is called
    assert ours - of_django - set(re.findall(r"`([a-z_]+)", table)) == set()


def test_the_layers_are_drawn_as_they_are():
    page = (ROOT / "docs" / "architecture.md").read_text()
    drawn = page.partition("## Layers")[2].split("```")[1].strip().splitlines()
    assert [set(row.split()) for row in reversed(drawn)] == [
        {package.removeprefix("indexing.") for package in row} for row in LAYERS
    ]


def test_every_room_is_described():
    page = (ROOT / "docs" / "architecture.md").read_text().partition("## Rooms")[2].partition("\n## ")[0]
    described = " ".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    wiring = {"admin", "apps", "templatetags"}
    rooms = {room.removeprefix("indexing.") for room in rooms_of(ROOT)} - wiring
    assert rooms - set(re.findall(r"`([a-z_]+)", described)) == set()


def test_the_readme_lists_the_columns_of_an_import():
    listed = (ROOT / "README.md").read_text().partition("## Your own people")[2].split("\n\n")[2]
    assert [column.strip() for column in listed.split(",")] == list(COLUMNS)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
