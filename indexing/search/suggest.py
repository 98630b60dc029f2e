"""Suggestions while somebody types: people and words that a search can find now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from experts.models import Expert, Tag
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.suggestion_index import SuggestionEntry, SuggestionKind

SHOWN = {SuggestionKind.TAG: 2, SuggestionKind.TITLE: 3, SuggestionKind.COMPANY: 2, SuggestionKind.PERSON: 4}
"""How many of each kind, in the order in which they are shown."""
TRIED = 3
"""Entries that are read for each one shown, since some may have been deactivated; more are read if needed."""
_FILTERS: dict[str, Literal["", "tag", "industry"]] = {Tag.Kind.DOMAIN: "tag", Tag.Kind.INDUSTRY: "industry"}
HOLDERS = 8
"""A title, a company or a tag is suggested while one of the first eight experts who have it is active."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    kind: str
    """person, title, company or tag"""
    text: str
    """The query that the suggestion stands for."""
    detail: str = ""
    """For a person: username and title, to tell people of one name apart."""
    filter: Literal["", "tag", "industry"] = ""
    """For a tag that is still there: the filter that it sets."""


def suggest(prefix: str, snapshot: Snapshot) -> list[Suggestion]:
    """Entries of which a word begins with `prefix`, ignoring case and accents; none for a blank one.

    One database query tells which of them belong to active experts, and the current names of people; another one, if
    there are tags, what filters they are.
    """
    found = snapshot.suggestions.starting(prefix)
    wanted = dict(SHOWN)
    shown: dict[SuggestionKind, list[Suggestion]] = {kind: [] for kind in SHOWN}
    deeper = TRIED
    while some := {kind: list(islice(found[kind], count * deeper)) for kind, count in wanted.items() if count}:
        if not any(some.values()):
            break
        active = _active(snapshot, (entry for entries in some.values() for entry in entries))
        for kind, entries in some.items():
            new = [each for entry in entries if (each := _shown(entry, snapshot, active))]
            shown[kind] += new[: wanted[kind]]
            wanted[kind] = SHOWN[kind] - len(shown[kind])
        deeper *= 8
    shown[SuggestionKind.TAG] = _as_filters(shown[SuggestionKind.TAG])
    return [each for suggestions in shown.values() for each in suggestions]


def _as_filters(tags: list[Suggestion]) -> list[Suggestion]:
    """With the filter that each tag sets; one that was renamed or deleted since the version was built sets none."""
    if not tags:
        return tags
    kinds = dict(Tag.objects.filter(name__in=[each.text for each in tags]).values_list("name", "kind"))
    return [replace(each, filter=_FILTERS.get(kinds.get(each.text, ""), "")) for each in tags]


def _active(snapshot: Snapshot, entries: Iterable[SuggestionEntry]) -> dict[int, tuple[str, str, str, str]]:
    ids = {int(key) for entry in entries for key in snapshot.ids[entry.rows[:HOLDERS]]}
    rows = Expert.objects.active().filter(pk__in=ids)
    return {pk: named for pk, *named in rows.values_list("pk", "first_name", "last_name", "username", "job_title")}  # type: ignore[misc]


def _shown(
    entry: SuggestionEntry, snapshot: Snapshot, active: dict[int, tuple[str, str, str, str]]
) -> Suggestion | None:
    holders = [active[key] for key in snapshot.ids[entry.rows[:HOLDERS]].tolist() if key in active]
    if not holders:
        return None
    if entry.kind != SuggestionKind.PERSON:
        return Suggestion(entry.kind.name.lower(), entry.text)
    first, last, username, title = holders[0]
    name = f"{first} {last}".strip() or username
    return Suggestion("person", name, " · ".join(part for part in (username, title) if part and part != name))
