"""What people choose about the reading of a file; whatever they leave open is worked out from the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to read a file and what to do with it. Empty text: worked out from the file."""

    sync: bool = False
    encoding: str = ""
    """A key of `encodings.ENCODINGS`."""
    delimiter: str = ""
    sheet: str = ""
    header_line: int = 0
    """The line with the names of the columns; 0: worked out."""
    decimal: str = ""
    """“.” or “,”: what stands before the cents."""
    dates: str = ""
    """“day” or “month”: what comes first in 03/04/2024."""
    same_names: str = ""
    """What happens to a username that is another one but for case or look: a key of `matching.CHOICES`."""
    drop_bad_urls: bool = False
    columns: tuple[str, ...] = ()
    """The field of each column of the file, “” for one that is not read; empty: worked out from the header."""

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> ImportOptions:
        """The options that `as_stored` returned, also after they were JSON; what is not known is left out."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in stored.items() if name in known}
        return cls(**values | {"columns": tuple(values.get("columns", ()))})

    def as_stored(self) -> dict[str, Any]:
        return asdict(self)
