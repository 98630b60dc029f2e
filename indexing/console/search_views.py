"""The search page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import push_url, replace_url

from indexing import live
from indexing.console.access import REBUILD, VIEW, ConsoleRequest, allowed, may
from indexing.errors import EmptyQuery, EncoderUnavailable, NoIndexYet
from indexing.search import MAX_K, Mode, search

STEPS = (20, 50, MAX_K)
"""How many hits are shown at first, and after each "show more"."""


@require_safe
@never_cache
@allowed()
def search_page(request: ConsoleRequest) -> HttpResponse:
    query = request.GET.get("q", "")
    mode = mode_of(request.GET.get("mode", ""))
    k = next((step for step in STEPS if str(step) == request.GET.get("k")), STEPS[0])
    context, status = _answer(query, mode, k)
    context |= {
        "query": query,
        "mode": mode,
        "modes": modes(),
        "examples": _examples(),
        "may_see_index": may(request.user, VIEW),
        "may_rebuild": may(request.user, REBUILD),
        "may_open_experts": may(request.user, "experts.view_expert", "experts.change_expert"),
    }
    if request.htmx and not request.htmx.history_restore_request:
        response = _with_address(request, render(request, "search/_results.html", context), query, mode)
    else:
        response = render(request, "search/page.html", context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _answer(query: str, mode: Mode, k: int) -> tuple[dict[str, Any], int]:
    """What to show and the status of a whole page: an htmx request would not show what comes with a 503."""
    try:
        results = search(query, k, mode)
    except EmptyQuery:
        return {"view": "empty"}, 200
    except NoIndexYet as error:
        return {"view": "no_index", "sentence": str(error), "problem": live.problem()}, 503
    except EncoderUnavailable as error:
        return {"view": "no_encoder", "sentence": str(error)}, 503
    prefetch_related_objects([hit.expert for hit in results.hits], "tags")
    more = next((step for step in STEPS if step > k), None) if len(results.hits) == k else None
    return {
        "view": "results" if results.hits else "nothing",
        "results": results,
        "milliseconds": max(round(results.seconds * 1000), 1),
        "more": more,
    }, 200


def _with_address(request: ConsoleRequest, response: HttpResponse, query: str, mode: Mode) -> HttpResponse:
    """The address of what is shown goes into the address bar, to be shared.

    The first words make a new entry in the browser's history; typing on replaces it, or "back" would go letter by
    letter.
    """
    asked = {name: value for name, value in (("q", query), ("mode", mode if mode != Mode.HYBRID else "")) if value}
    address = f"{request.path}?{urlencode(asked)}" if asked else request.path
    here = request.htmx.current_url_abs_path or ""
    put: Callable[[HttpResponse, str], HttpResponse] = replace_url if "q=" in here else push_url
    return put(response, address)


def mode_of(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        return Mode.HYBRID


def modes() -> list[tuple[Mode, str, str]]:
    return [
        (Mode.HYBRID, _("Both"), _("By meaning and by words, the two rankings joined")),
        (Mode.SEMANTIC, _("Meaning"), _("Experts whose profile means something similar, whatever its words")),
        (Mode.KEYWORD, _("Words"), _("Experts whose profile holds these words; names are found this way")),
    ]


def _examples() -> list[str]:
    return [
        _("lawyer for software licences"),
        _("somebody who makes old houses warm"),
        _("machine learning in hospitals"),
        _("crisis communication"),
    ]
