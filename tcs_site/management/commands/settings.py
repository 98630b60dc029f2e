"""List the settings: for a file of environment variables, or as the tables of docs/operating.md."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.core.management.base import BaseCommand

from tcs_site.environment import DECLARED, Setting


class Command(BaseCommand):
    help = "List the settings with their defaults, as a file of environment variables or as Markdown."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--markdown", action="store_true", help="as the tables of docs/operating.md")

    def handle(self, *, markdown: bool, **options: Any) -> None:
        self.stdout.write("\n".join(as_markdown() if markdown else as_environment()))


def sections() -> Iterator[tuple[str, list[Setting]]]:
    for name, group in groupby(DECLARED.values(), lambda setting: setting.section):
        yield name, list(group)


def as_markdown() -> Iterator[str]:
    for name, group in sections():
        yield from (f"### {name}", "", "| variable | default | what it does |", "|---|---|---|")
        for setting in group:
            yield f"| `{setting.name}` | {default_of(setting)} | {setting.about} |"
        yield ""


def default_of(setting: Setting) -> str:
    """The default as Markdown: code if it can be typed, words if it depends on the machine."""
    if not setting.default:
        return ""
    return setting.default if " " in setting.default else f"`{setting.default}`"


def as_environment() -> Iterator[str]:
    """Lines for a file such as `.env`: every setting is a comment, so that the file changes nothing as it is."""
    for name, group in sections():
        yield from (f"# --- {name}", "")
        for setting in group:
            in_words = " " in setting.default
            yield f"# {re.sub('[`*]', '', setting.about)}" + (f" (default: {setting.default})" if in_words else "")
            yield from (f"# {setting.name}={'' if in_words else setting.default}", "")
