"""What a process remembers beside the database, and how all of it is forgotten at once.

A value that outlives a request lives in a `ProcessState`, or beside a function that is marked `on_forget`.
`forget_all` then leaves the process as if it had just started: tests need that, and so does a measurement.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
Forget = Callable[[], object]
F = TypeVar("F", bound=Forget)

_forgetters: list[Forget] = []


def on_forget(forget: F) -> F:
    """Have `forget_all` call this function. May be used as a decorator."""
    _forgetters.append(forget)
    return forget


def forget_all() -> None:
    """Forget everything, what was declared last first: a module's thread ends before what it works on goes."""
    for forget in reversed(_forgetters):
        forget()


class ProcessState(Generic[T]):
    """One value of this process, made when it is first needed."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._value: T | None = None
        self._making = threading.Lock()
        on_forget(self.forget)

    def get(self) -> T:
        """The value, made on the first call; later calls only read an attribute."""
        value = self._value
        if value is not None:
            return value
        with self._making:
            if self._value is None:
                self._value = self._make()
            return self._value

    def set(self, value: T) -> None:
        """Use this value from now on."""
        self._value = value

    def forget(self) -> None:
        """Make a new one when it is next needed. Whoever holds the old one keeps it."""
        self._value = None
