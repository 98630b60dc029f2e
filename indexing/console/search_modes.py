"""The ways to search, as the search page and the Lab offer them."""

from __future__ import annotations

from django.utils.translation import gettext as _

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
