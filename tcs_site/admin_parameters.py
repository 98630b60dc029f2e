"""Limits on the parameters of the admin's lists, which Django puts into a query as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.utils.translation import gettext as _

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

SEARCHES = ("q", "term")
MAX_WORDS = 32
"""Every word becomes a condition on every searched column, and SQLite takes no expression deeper than 1,000."""
MAX_CHARACTERS = 1_000
MAX_VALUES = 1_000
"""of one filter: the parameters of a statement are limited"""
PATTERNS = {"regex", "iregex"}
"""Lookups that can take for ever. No page of ours uses them."""


def limited(view: View) -> View:
    """A view that gets no more than a database takes: a search is shortened, with a notice.

    Raises BadRequest for a filter that cannot be applied, such as the year 99999: Django fails on some of them.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        changed, sentence = shortened(request.GET)
        if changed is not None:
            request.GET = changed
        if sentence:
            messages.warning(request, sentence)
        try:
            return view(request, *args, **kwargs)
        except (ValueError, OverflowError, IndexError, DataError) as error:
            if request.method == "GET" and any("__" in name for name in request.GET):
                raise BadRequest("A filter in the address cannot be applied") from error
            raise

    return cast(View, wrapped)


def shortened(parameters: QueryDict) -> tuple[Any, str]:
    """The parameters as they are used, None if that is as they are; and what to tell the reader.

    Raises BadRequest for a filter that no database takes: without it, the list would show everything.
    """
    changed, sentence = parameters.copy(), ""
    for name, values in parameters.lists():
        if PATTERNS & set(name.split("__")):
            raise BadRequest(f"{name} is a pattern")
        if name not in SEARCHES and any(value.count(",") >= MAX_VALUES for value in values):
            raise BadRequest(f"{name} has more than {MAX_VALUES} values")
        changed.setlist(name, [value.replace("\0", "") for value in values])  # PostgreSQL stores no NUL
        if name in SEARCHES and (words := _first_words(str(changed[name]))) != changed[name]:
            changed[name] = words
            sentence = _("The search is too long: only its first %(words)s words are used.") % {"words": MAX_WORDS}
    return (changed if changed != parameters else None), sentence


def _first_words(text: str) -> str:
    words = text.split()
    if len(words) <= MAX_WORDS and len(text) <= MAX_CHARACTERS:
        return text
    return " ".join(words[:MAX_WORDS])[:MAX_CHARACTERS]
