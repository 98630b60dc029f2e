"""Whose row is it? Finds the expert of each row by username, and the rows where that would be somebody else.

The rules:

- The username as it is written wins. One that reads the same (see `experts.identity`) means the same expert only if
  first and last name agree; otherwise it is a conflict, and people choose what happens: nobody is overwritten.
- Two rows of a file whose usernames read the same are in conflict too.
- A username that was made from a name or an e-mail address is of the same expert as long as no name contradicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experts.identity import CONFLICT, identity_key, without_conflict
from experts.models import Expert

SAME, SUFFIX, SKIP, REFUSE = "same", "suffix", "skip", "refuse"
CHOICES = {
    REFUSE: gettext_lazy("refuse these rows"),
    SUFFIX: gettext_lazy("keep both: add a number to the new username"),
    SAME: gettext_lazy("they are the same people: update them"),
    SKIP: gettext_lazy("skip these rows"),
}
"""What can be done with rows in conflict; the first is done where nobody chose."""
_LONGEST = 150


@dataclass(frozen=True, slots=True)
class Conflict:
    """A row whose username reads like somebody else's."""

    line: int
    username: str
    other: str
    """Username of the other expert or row."""
    why: str
    outcome: str
    """A key of CHOICES."""


@dataclass(frozen=True, slots=True)
class Match:
    """What becomes of a row: `expert` is None for a new one; with a conflict that is refused or skipped, nothing."""

    username: str
    expert: Expert | None = None
    conflict: Conflict | None = None
    duplicate_of: int = 0
    """Line of an earlier row with exactly this username."""

    @property
    def is_used(self) -> bool:
        return not self.duplicate_of and (self.conflict is None or self.conflict.outcome in (SAME, SUFFIX))


class Matcher:
    """Knows the usernames of the directory, and those of the rows that were matched."""

    def __init__(self, choice: str, *, made: bool) -> None:
        """`made`: the usernames of the file are made from names or e-mail addresses."""
        self._choice = choice or REFUSE
        self._made = made
        self._ids: dict[str, int] = {}
        self._written: dict[str, int] = {}
        """Usernames of experts in conflict with others in the directory, which only match as they are written."""
        several: set[str] = set()
        for pk, key in Expert.objects.values_list("pk", "username_key").iterator():
            if CONFLICT in key:
                several.add(without_conflict(key))
            else:
                self._ids[key] = pk
        self._several = several
        if several:
            in_conflict = [*Expert.objects.in_conflict().values_list("pk", flat=True), *map(self._ids.get, several)]
            for expert in Expert.objects.in_bulk([pk for pk in in_conflict if pk]).values():
                self._written[expert.username] = expert.pk
        self._lines: dict[int | str, int] = {}
        """Expert, or key of a new one -> the line that has it."""
        self._spelled: dict[str, str] = {}
        """Key of a new expert -> username, where that is another text."""

    def experts(self, usernames: Iterable[str]) -> dict[int, Expert]:
        """The experts of the directory that rows with these usernames may mean."""
        ids = (self._find(username, identity_key(username)) for username in usernames)
        return Expert.objects.in_bulk([pk for pk in ids if pk])

    def match(self, line: int, values: Mapping[str, Any], experts: Mapping[int, Expert]) -> Match:
        """Match the next row, in the order of the file; `experts` is what `experts` returned for it."""
        username = values["username"]
        key = identity_key(username)
        pk = self._find(username, key)
        expert = experts.get(pk) if pk else None
        if earlier := self._lines.get(expert.pk if expert else key):
            spelled = expert.username if expert else self._spelled.get(key, key)
            if spelled == username and not self._made:
                return Match(username, duplicate_of=earlier)
            why = _("Line %(line)s has the same username or one that reads the same.") % {"line": earlier}
            return self._conflict(line, values, spelled, why)
        if expert is None and key in self._several:
            why = _("Several experts in the directory have usernames that read the same. Write the one you mean.")
            return self._conflict(line, values, key, why)
        if expert and not self._is_same(values, expert):
            why = _("The directory has %(name)s under the username “%(username)s”.") % {
                "name": expert.full_name,
                "username": expert.username,
            }
            return self._conflict(line, values, expert.username, why, expert)
        return self._use(line, username, key, expert)

    def covers(self, pk: int) -> bool:
        """Whether a row is about this expert."""
        return pk in self._lines

    def _find(self, username: str, key: str) -> int | None:
        return self._written.get(username) if key in self._several else self._ids.get(key)

    def _is_same(self, values: Mapping[str, Any], expert: Expert) -> bool:
        if values["username"] == expert.username and not self._made:
            return True
        names = _names(values.get("first_name"), values.get("last_name"))
        theirs = _names(expert.first_name, expert.last_name)
        if self._made and (not names or not theirs):
            return True
        return bool(names) and names == theirs

    def _use(
        self, line: int, username: str, key: str, expert: Expert | None, conflict: Conflict | None = None
    ) -> Match:
        self._lines[expert.pk if expert else key] = line
        if not expert and key != username:
            self._spelled[key] = username
        return Match(username, expert, conflict)

    def _conflict(
        self, line: int, values: Mapping[str, Any], other: str, why: str, expert: Expert | None = None
    ) -> Match:
        username = values["username"]
        choice = REFUSE if self._choice == SAME and not expert else self._choice
        conflict = Conflict(line, username, other, why, choice)
        if choice == SAME:
            return self._use(line, username, identity_key(username), expert, conflict)
        if choice == SUFFIX:
            return self._with_suffix(line, values, conflict)
        return Match(username, conflict=conflict)

    def _with_suffix(self, line: int, values: Mapping[str, Any], conflict: Conflict) -> Match:
        """The first free username with a number, or the expert who got one in an earlier import of this row."""
        for number in count(2):
            ending = f"-{number}"
            username = f"{values['username'][: _LONGEST - len(ending)]}{ending}"
            key = identity_key(username)
            pk = self._find(username, key)
            if key in self._lines or pk in self._lines or (pk is None and key in self._several):
                continue
            expert = Expert.objects.get(pk=pk) if pk else None
            if expert and _names(values.get("first_name"), values.get("last_name")) != _names(
                expert.first_name, expert.last_name
            ):
                continue
            return self._use(line, username, key, expert, conflict)
        raise AssertionError


def _names(first: str | None, last: str | None) -> str:
    return identity_key(f"{first or ''} {last or ''}")
