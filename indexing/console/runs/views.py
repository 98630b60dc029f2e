"""The pages of the index and of its runs. The socket keeps them current; all of them work without it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from channels.db import database_sync_to_async
from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from experts.numbers import whole_number
from indexing import runlog, runs
from indexing.console.access import CANCEL, REBUILD, VIEW, ConsoleRequest, actor, allowed, rights_of
from indexing.console.responses import accepted, admin_context, conflict
from indexing.console.runs import log_pages, presentation
from indexing.errors import Busy, NotActive, Refused
from indexing.lib.translation import translated
from indexing.models import IndexState, RebuildRun
from indexing.runlog.line_filter import LineFilter
from indexing.runs import launch


@require_safe
@never_cache
@allowed(VIEW)
def index_page(request: ConsoleRequest) -> HttpResponse:
    return _index_page(request)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(REBUILD)
def start_run(request: ConsoleRequest, kind: str) -> HttpResponse:
    """GET shows the confirmation page, for a browser without JavaScript; POST starts the run."""
    if request.method != "POST":
        context = admin_context(request) | {
            "title": _("Rebuild index") if kind == RebuildRun.Kind.FULL else _("Re-tag only"),
            "kind": kind,
            "reembed": "reembed" in request.GET,
            "start_label": _("Start rebuild") if kind == RebuildRun.Kind.FULL else _("Start re-tagging"),
            "live": IndexState.read().live_version,
            "active": RebuildRun.objects.active().first(),
        }
        return render(request, "indexing/runs/confirm_start.html", context)
    reembed = kind == RebuildRun.Kind.FULL and "reembed" in request.POST
    try:
        run = launch.request(kind, actor(request), reembed=reembed, reason=request.POST.get("reason", ""))
    except (Busy, Refused) as refusal:
        return _refused(request, refusal)
    full, tags = _("Rebuild started (run %(number)s)."), _("Re-tagging started (run %(number)s).")
    return accepted(request, (full if kind == RebuildRun.Kind.FULL else tags) % {"number": run.pk})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(REBUILD, CANCEL)
def cancel_run(request: ConsoleRequest) -> HttpResponse:
    parameters = request.POST if request.method == "POST" else request.GET
    run = get_object_or_404(RebuildRun, pk=whole_number(parameters.get("run")))
    if request.method != "POST":
        context = admin_context(request) | {"title": _("Cancel run %(number)s") % {"number": run.pk}, "run": run}
        return render(request, "indexing/runs/confirm_cancel.html", context)
    try:
        run = runs.cancel(run.pk, actor(request), request.POST.get("reason", ""))
    except (NotActive, Refused) as refusal:
        return _refused(request, refusal)
    if run.is_active:
        return accepted(request, _("Run %(number)s is being cancelled.") % {"number": run.pk})
    return accepted(request, _("Run %(number)s was cancelled.") % {"number": run.pk})


@require_safe
@never_cache
@allowed(VIEW)
def run_page(request: ConsoleRequest, run_id: int) -> HttpResponse:
    """The log of an active run is shown live, from its last lines; that of an ended run from its first.

    `after` asks for the lines that follow one, `line` for the page that has it: the link of every line.
    """
    run = get_object_or_404(RebuildRun.objects.select_related("version"), pk=run_id)
    wanted = LineFilter.from_query(request.GET.get("level", ""), request.GET.get("q", ""))
    line, after = whole_number(request.GET.get("line")), whole_number(request.GET.get("after"))
    paged = bool(line) or "after" in request.GET or not run.is_active
    if line:
        after = log_pages.cursor_before(run.pk, line)
    log = log_pages.log_page(run.pk, after, wanted) if paged else log_pages.last_lines(run.pk, wanted)
    context = (
        admin_context(request)
        | presentation.run_context(run, rights_of(request.user))
        | {
            "title": _("Run %(number)s") % {"number": run.pk},
            "wanted": wanted,
            "live_log": not paged,
            "log": log,
        }
    )
    return render(request, "indexing/runs/run.html", context)


@require_safe
@allowed(VIEW)
def log_text(request: ConsoleRequest, run_id: int) -> StreamingHttpResponse:
    run = get_object_or_404(RebuildRun, pk=run_id)
    return StreamingHttpResponse(
        _log_pieces(run.pk),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="index-run-{run.pk}.txt"'},
    )


async def _log_pieces(run_id: int) -> AsyncIterator[str]:
    """The log as `runlog.as_file` gives it. Under ASGI a plain iterator would be gathered whole before it is sent."""
    pieces = runlog.as_file(run_id)
    while piece := await database_sync_to_async(next)(pieces, ""):
        yield piece


def _index_page(request: ConsoleRequest, status: int = 200) -> HttpResponse:
    rights = rights_of(request.user)
    shown = presentation.index_context(rights, request.GET.get("page", 1))
    context = admin_context(request) | shown | {"title": _("Search index"), "wanted": log_pages.EVERYTHING}
    if shown["run"]:
        context["log"] = log_pages.last_lines(shown["run"].pk)
    return render(request, "indexing/runs/index.html", context, status=status)


def _refused(request: ConsoleRequest, reason: Busy | NotActive | Refused) -> HttpResponse:
    if request.htmx:
        return conflict(request, translated(reason))
    messages.error(request, translated(reason))
    return _index_page(request, reason.status)
