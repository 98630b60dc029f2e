"""Sentences as data: what is stored and passed on is a text's English form and its values, not a finished sentence.

A message can be raised, logged and stored by code that knows no language (this module imports nothing of Django);
`indexing.lib.translation` puts it into the language of whoever reads it. `make messages` gathers the texts that are
written as literals in `message(...)` and `plural_message(...)`.

A placeholder says how its value is shown: `%(number)s` as it is (names, numbers that identify something), `%(count)d`
as a whole number with its thousands grouped, `%(share).1f` with that many decimals. `%%` is a percent sign.
"""

from __future__ import annotations

import numbers
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

PLACEHOLDER = re.compile(
    r"%(?:\((?P<name>\w+)\))?(?P<flags>[-+ #0]*(?:[1-9]\d*)?)(?:\.(?P<decimals>\d+))?(?P<type>[a-zA-Z%])"
)


@dataclass(frozen=True, slots=True)
class Message:
    """A text in English, what is put into it, and, where it counts something, its plural.

    `values` are named, or in order as `logging` has them; a message may be one of them. With a `plural`, the value
    named `count` chooses. `context` tells texts apart that are the same in English and not elsewhere.
    """

    id: str
    values: Mapping[str, Any] | Sequence[Any] = field(default_factory=dict)
    plural: str = ""
    context: str = ""

    def __str__(self) -> str:
        """The message in English, for tracebacks and system logs."""
        template = self.plural if self.plural and self.count != 1 else self.id
        return self.filled(template, in_english)

    @property
    def count(self) -> int:
        return int(self.values["count"]) if isinstance(self.values, Mapping) else 0

    def filled(self, template: str, shown: Callable[[Any, str, int | None], str]) -> str:
        """`template`, the id or a translation of it, with `shown(value, type, decimals)` for each placeholder."""
        if not self.values:
            return template  # as `logging` has it: without values, a percent sign is one
        in_order = iter(() if isinstance(self.values, Mapping) else self.values)

        def put_in(match: re.Match[str]) -> str:
            if match["type"] == "%":
                return "%"
            value = self.values[match["name"]] if isinstance(self.values, Mapping) else next(in_order)
            if match["flags"] or match["type"] not in "sdf":  # what a library asks of `logging`: %r, %5s
                return ("%" + match[0][match[0].rfind(")") + 1 :].lstrip("%")) % (value,)
            return shown(value, match["type"], int(match["decimals"]) if match["decimals"] else None)

        return PLACEHOLDER.sub(put_in, template)

    def as_dict(self) -> dict[str, Any]:
        """The message as JSON data, without empty fields."""
        found: dict[str, Any] = {"id": self.id}
        if isinstance(self.values, Mapping) and self.values:
            found["values"] = {name: _to_json(value) for name, value in self.values.items()}
        elif self.values:
            found["values"] = [_to_json(value) for value in self.values]
        return found | {name: value for name in ("plural", "context") if (value := getattr(self, name))}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The reverse of `as_dict`."""
        values = stored.get("values", {})
        values = (
            {name: _from_json(value) for name, value in values.items()}
            if isinstance(values, Mapping)
            else tuple(_from_json(value) for value in values)
        )
        return cls(stored["id"], values, stored.get("plural", ""), stored.get("context", ""))


def message(text: str, /, **values: object) -> Message:
    """`text` is an English literal; see the module for its placeholders."""
    return Message(text, {name: as_value(value) for name, value in values.items()})


def plural_message(text: str, plural: str, /, *, count: int, **values: object) -> Message:
    """Like `message`, with a text for one and a text for any other `count`."""
    return Message(text, {name: as_value(value) for name, value in {"count": count, **values}.items()}, plural)


def count_of_experts(count: int) -> Message:
    """ "1 expert" or "1,500 experts": for a sentence that counts something else as well."""
    return plural_message("%(count)d expert", "%(count)d experts", count=count)


def count_of_passages(count: int) -> Message:
    """ "1 passage" or "1,500 passages": for a sentence that counts something else as well."""
    return plural_message("%(count)d passage", "%(count)d passages", count=count)


def sentences(*each: Message) -> Message:
    """Several messages as one, with a space between them."""
    return each[0] if len(each) == 1 else Message(" ".join(["%s"] * len(each)), each)


def as_value(value: object) -> Any:
    """`value` as JSON can hold it: an error becomes its message, a path becomes text."""
    if isinstance(value, BaseException) and isinstance(of_error := getattr(value, "message", None), Message):
        return of_error
    if value is None or isinstance(value, (str, bool, datetime, Message)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    return str(value)


def in_english(value: Any, kind: str, decimals: int | None) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if kind == "d":
        return f"{int(value):,}"
    if kind == "f":
        return f"{value:,.{6 if decimals is None else decimals}f}"
    return "" if value is None else str(value)


def _to_json(value: Any) -> Any:
    if isinstance(value, Message):
        return {"message": value.as_dict()}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, str):  # PostgreSQL takes neither a NUL nor half a character
        return value.replace("\0", "␀").encode("utf-8", "replace").decode()
    return value


def _from_json(value: Any) -> Any:
    if isinstance(value, dict) and "message" in value:
        return Message.from_dict(value["message"])
    if isinstance(value, dict) and "time" in value:
        return datetime.fromisoformat(value["time"])
    return value
