"""The ways to search and to sort, as pages offer them."""

from __future__ import annotations

from django.utils.translation import gettext as _

from experts import browsing
from indexing.search import Mode


def mode_choices() -> list[tuple[Mode, str, str]]:
    """(mode, label, help) in the order in which they are offered, in the reader's language."""
    return [
        (Mode.HYBRID, _("Both"), _("Match meaning and keywords, combined into one ranking")),
        (Mode.SEMANTIC, _("Meaning"), _("Match profiles with a similar meaning, whatever words they use")),
        (Mode.KEYWORD, _("Keywords"), _("Match profiles that contain these words; finds names too")),
    ]


def mode_label(mode: Mode) -> str:
    return next(label for choice, label, _help in mode_choices() if choice == mode)


def parse_mode(text: str) -> Mode:
    """The mode that a parameter names; both ways of searching if it names none."""
    try:
        return Mode(text)
    except ValueError:
        return Mode.HYBRID


def sort_choices() -> list[tuple[str, str]]:
    """(sort, label), in the reader's language; the first is the order of a search, by relevance."""
    return [
        ("", _("Best match")),
        (browsing.NAME, _("Name")),
        (browsing.RATE, _("Lowest rate")),
        (browsing.NEWEST, _("Newest")),
    ]
