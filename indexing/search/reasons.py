"""Explanations in sentences, for the page and the API, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experts.profiles.labels import FIELD_NAMES
from experts.safe_text import without_bidi_controls
from indexing.search.explanation import Contribution, Explanation
from indexing.search.standing import Standing

CLOSEST, CLOSE = 0.02, 0.25
"""Shares of all experts: the first are among the closest to a query in meaning, the others closer than most."""
CHANGES = 4
"""Words of which it is said what they change."""


def reasons(explanation: Explanation, *, with_missing: bool = True) -> list[str]:
    """Why an expert has their rank: the meaning, each word, what is missing, then the filters."""
    return list(_reasons(explanation, with_missing=with_missing))


def changes(explanation: Explanation) -> list[str]:
    """What would change the rank, as far as their profile goes."""
    said = []
    for change in explanation.changes[:CHANGES]:
        values = {"word": change.word, "rank": _number(change.rank)}
        if not change.gained:
            said.append(_("Without “%(word)s” in the profile: about number %(rank)s.") % values)
        elif explanation.rank is None or change.rank < explanation.rank:
            said.append(_("With “%(word)s” in the profile too: about number %(rank)s.") % values)
    return said


def label(each: Contribution) -> str:
    """The name of one part of a score."""
    if each.kind == "meaning":
        return _("meaning")
    if each.kind == "estimate":
        return _("words (estimated)")
    values = {"word": _written(each)}
    if each.kind == "added":
        return _("“%(word)s”, a word of the best matches") % values
    return _("“%(word)s” as a name") % values if each.kind in ("name", "username") else f"“{each.text}”"


def hindrances(standing: Standing) -> list[str]:
    """What keeps an expert from being found, or from being higher up."""
    return list(_hindrances(standing))


def _reasons(explanation: Explanation, *, with_missing: bool) -> Iterator[str]:
    if explanation.semantic_rank is not None:
        yield _of_meaning(explanation)
    for each in explanation.contributions:
        if sentence := _of_words(each):
            yield sentence
    related = [_written(each) for each in explanation.contributions if each.kind == "added"]
    if related:
        yield _("Words that the best matches have in common count a little too: %(words)s.") % {
            "words": _quoted(related)
        }
    if explanation.missing and with_missing:
        yield _("Not in the profile: %(words)s.") % {"words": _quoted(explanation.missing)}
    if explanation.filters:
        yield _("Ranked among %(people)s who pass the filters: %(filters)s.") % {
            "people": _number(explanation.people),
            "filters": _groups(explanation.filters),
        }


def _of_meaning(explanation: Explanation) -> str:
    rank, share = explanation.semantic_rank or 0, (explanation.semantic_rank or 0) / max(explanation.people, 1)
    values = {"rank": _number(rank), "people": _number(explanation.people)}
    if rank <= 3 or share <= CLOSEST:
        return _("The profile is among the closest in meaning: number %(rank)s of %(people)s.") % values
    if share <= CLOSE:
        return _("The profile is closer in meaning than most: number %(rank)s of %(people)s.") % values
    return _("The profile is not close in meaning: number %(rank)s of %(people)s.") % values


def _of_words(each: Contribution) -> str:
    values = {"word": each.text, "fields": _fields(each.fields), "found": _quoted(each.found)}
    if each.kind == "username":
        return _("“%(word)s” is the username.") % values
    if each.kind == "name":
        return _("“%(word)s” is the name, or how it begins.") % values
    if each.kind == "estimate":
        return _("The words that match are estimated, because many other profiles match them better.")
    if each.kind != "word":
        return ""
    if not each.fields:
        return _("“%(word)s” matches a similar word, or one that the profile had when the index was built.") % values
    if [each.text] == [found.casefold() for found in each.found]:
        return _("“%(word)s” is in: %(fields)s.") % values
    return _("“%(word)s” matches %(found)s in: %(fields)s.") % values


def _hindrances(standing: Standing) -> Iterator[str]:
    if not standing.expert.is_active:
        yield _("Not active: only active experts are found.")
    if not standing.in_version:
        yield _("Not in index version %(number)s. The next rebuild adds active experts.") % {
            "number": standing.version
        }
    if standing.excluded_by:
        yield _("Filtered out by: %(filters)s. The rank here is without filters.") % {
            "filters": _groups(standing.excluded_by)
        }
    if standing.edited:
        yield _("Edited since the index was built (%(fields)s). The rank is that of the earlier profile.") % {
            "fields": _fields(standing.edited)
        }
    explanation = standing.explanation
    if explanation is None:
        return
    if explanation.rank is None:
        yield _("No word of the query is in the profile.")
    elif explanation.missing:
        yield _("Words that are missing: %(words)s.") % {"words": _quoted(explanation.missing)}
    if explanation.semantic_rank and explanation.rank and explanation.semantic_rank > max(explanation.rank, 10):
        count = explanation.semantic_rank - 1
        yield ngettext(
            "%(count)s other profile is closer in meaning.", "%(count)s other profiles are closer in meaning.", count
        ) % {"count": _number(count)}


def group_names() -> dict[str, str]:
    """The groups of filters, in words."""
    return {
        "tags": _("tags"),
        "industries": _("industries"),
        "categories": _("categories"),
        "rate": _("rate"),
        "photo": _("photo"),
        "countries": _("country"),
        "cities": _("city"),
        "languages": _("languages"),
        "available_by": _("availability"),
    }


def _groups(names: Iterable[str]) -> str:
    return ", ".join(group_names()[name] for name in names)


def _number(number: int) -> str:
    return number_format(number, force_grouping=True)


def _fields(names: Iterable[str]) -> str:
    return ", ".join(str(FIELD_NAMES.get(name) or _("tags")) for name in names)


def _written(each: Contribution) -> str:
    """The word as the profile has it, where it is known only by its stem."""
    return each.found[0] if each.found else each.text


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"“{without_bidi_controls(word)}”" for word in words)
