"""The modes of a search, as the search page and the Lab offer them."""

from __future__ import annotations

from django.utils.translation import gettext as _

from indexing.search import Mode


def mode_of(text: str) -> Mode:
    """The mode of that name; the default for any other text."""
    try:
        return Mode(text)
    except ValueError:
        return Mode.HYBRID


def modes() -> list[tuple[Mode, str, str]]:
    """Each mode with its label and what it does."""
    return [
        (Mode.HYBRID, _("Both"), _("By meaning and by words, the two rankings joined")),
        (Mode.SEMANTIC, _("Meaning"), _("Experts whose profile means something similar, whatever its words")),
        (Mode.KEYWORD, _("Words"), _("Experts whose profile holds these words; names are found this way")),
    ]
