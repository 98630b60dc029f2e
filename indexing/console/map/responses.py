"""What the views of the map have in common: which version is asked for, and what a script is told in place of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from indexing.console.access import ConsoleRequest
from indexing.console.responses import number
from indexing.embedding_map import reading
from indexing.errors import IndexingError, MapNotReady, NoMap
from indexing.models import IndexVersion


def told(view: Callable[[ConsoleRequest], HttpResponse]) -> Callable[[ConsoleRequest], HttpResponse]:
    """A view for scripts: 202 while the map is still to come; else `detail` says what is wrong."""

    @wraps(view)
    def telling(request: ConsoleRequest) -> HttpResponse:
        try:
            return view(request)
        except MapNotReady as error:
            return JsonResponse({"status": "computing", "progress": error.progress}, status=error.status)
        except IndexingError as error:
            return JsonResponse({"detail": str(error)}, status=error.status)

    return telling


def as_json(answer: Callable[[ConsoleRequest], dict[str, Any]]) -> Callable[[ConsoleRequest], HttpResponse]:
    @wraps(answer)
    def view(request: ConsoleRequest) -> HttpResponse:
        return JsonResponse(answer(request))

    return told(view)


def version_named(request: ConsoleRequest, parameter: str = "version") -> IndexVersion:
    """The version that the address names; the live one where it names none. Raises NoMap, NoIndexYet."""
    asked = request.GET.get(parameter)
    if asked and not number(asked):
        raise NoMap(_("There is no version %(number)s, or it is not kept any more.") % {"number": asked[:40]})
    return reading.version_numbered(number(asked) if asked else None)
