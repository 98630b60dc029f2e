"""What the views of the map have in common: the requested version, and errors as JSON for the page's script."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse, JsonResponse

from experts.numbers import whole_number
from indexing.console.access import ConsoleRequest
from indexing.embedding_map import reading
from indexing.errors import IndexingError, MapNotReady, NoIndexYet, NoMap
from indexing.lib.translation import translated
from indexing.models import IndexVersion


def errors_as_json(view: Callable[[ConsoleRequest], HttpResponse]) -> Callable[[ConsoleRequest], HttpResponse]:
    """A view for scripts: 202 with the progress while the map is being computed; other errors as `detail`."""

    @wraps(view)
    def wrapped(request: ConsoleRequest) -> HttpResponse:
        try:
            return view(request)
        except MapNotReady as error:
            return JsonResponse({"status": "computing", "progress": error.progress}, status=error.status)
        except NoIndexYet as error:  # to the script there is nothing there; Django would log a 503 as an error
            return JsonResponse({"detail": translated(error)}, status=NoMap.status)
        except IndexingError as error:
            return JsonResponse({"detail": translated(error)}, status=error.status)

    return wrapped


def json_view(body: Callable[[ConsoleRequest], dict[str, Any]]) -> Callable[[ConsoleRequest], HttpResponse]:
    """A view that sends what `body` returns, or its error, as JSON."""

    @wraps(body)
    def view(request: ConsoleRequest) -> HttpResponse:
        return JsonResponse(body(request))

    return errors_as_json(view)


def requested_version(request: ConsoleRequest, parameter: str = "version") -> IndexVersion:
    """The version that the address names, or else the live one. Raises NoMap, NoIndexYet."""
    text = request.GET.get(parameter)
    if text and not whole_number(text):
        raise reading.no_such_version(text[:40])
    return reading.get_version(whole_number(text) if text else None)
