"""Versions: the list, one of them, and the decisions about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from experts.numbers import whole_number
from indexing.audit import Actor
from indexing.console.access import PUBLISH, VIEW, ConsoleRequest, actor, allowed, rights_of
from indexing.console.responses import accepted, admin_context, conflict
from indexing.console.versions import compare_views, gate_report
from indexing.console.versions import presentation as presentation
from indexing.errors import IndexingError
from indexing.lib.translation import translated
from indexing.models import IndexState, IndexVersion, Publication, RebuildRun
from indexing.versions import decisions, opening, pinning, rollback_effect, sweep

State = IndexVersion.State


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The page that asks for confirmation of a decision about a version, and the function that decides."""

    template: str
    title: str
    decide: Callable[[int, Actor, str], None]
    done: str
    context: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    """Why the decision is impossible, as a sentence; empty if it is possible."""
    then: str = "index:page"
    """The name of the page that shows the result."""
    can_be_undone: bool = False


@require_safe
@never_cache
@allowed(VIEW)
def versions_page(request: ConsoleRequest) -> HttpResponse:
    forecast, kept = sweep.forecast(), opening.searchable()
    state = IndexState.read()
    page, rows = presentation.versions(forecast, state.live_version_id, request.GET.get("page", 1))
    context = admin_context(request) | {
        "title": _("Versions"),
        "page": page,
        "rows": rows,
        "clean_up": presentation.clean_up(forecast),
        "versions": kept,
        "choices": compare_views.version_choices(kept) if len(kept) > 1 else [],
        "state": state,
        "rights": rights_of(request.user),
    }
    return render(request, "indexing/versions/list.html", context)


@require_safe
@never_cache
@allowed(VIEW)
def version_page(request: ConsoleRequest, version_number: int) -> HttpResponse:
    version = get_object_or_404(IndexVersion.objects.select_related("run"), pk=version_number)
    state = IndexState.read()
    row = presentation.row(version, sweep.forecast(), state.live_version_id)
    held = presentation.held_version(version, state) if version.state == State.HELD else None
    context = admin_context(request) | {
        "title": _("Version %(number)s") % {"number": version.number},
        "row": row,
        "version": version,
        "run": row.run,
        "gate": gate_report.report_of(row.run),
        "held": held,
        "needs_another": bool(held and held.needs_another_than(request.user.get_username())),
        "rights": rights_of(request.user),
    }
    return render(request, "indexing/versions/detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(PUBLISH)
def publish_version(request: ConsoleRequest) -> HttpResponse:
    version = _requested_version(request)
    held = presentation.held_version(version, IndexState.read())
    problem = _not_in(version, State.HELD)
    needs_another = held.needs_another_than(request.user.get_username())
    return _decide(
        request,
        version,
        Confirmation(
            template="indexing/versions/confirm_publish.html",
            title=_("Publish version %(number)s") % {"number": version.number},
            decide=decisions.approve,
            done=_("Version %(number)s is live.") % {"number": version.number},
            context={
                "held": held,
                "gate": gate_report.report_of(held.run),
                "may_publish": not (problem or needs_another or held.outdated_by),
            },
            problem=problem,
            can_be_undone=True,
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(PUBLISH)
def discard_version(request: ConsoleRequest) -> HttpResponse:
    version = _requested_version(request)
    return _decide(
        request,
        version,
        Confirmation(
            template="indexing/versions/confirm_discard.html",
            title=_("Discard version %(number)s") % {"number": version.number},
            decide=decisions.discard,
            done=_("Version %(number)s was discarded.") % {"number": version.number},
            problem=_not_in(version, State.HELD),
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(PUBLISH)
def roll_back(request: ConsoleRequest) -> HttpResponse:
    version = _requested_version(request)
    effect, problem = None, ""
    if request.method != "POST":
        try:
            effect = rollback_effect.rollback_effect(version.number)
        except IndexingError as error:
            problem = translated(error)
    return _decide(
        request,
        version,
        Confirmation(
            template="indexing/versions/confirm_rollback.html",
            title=_("Roll back to version %(number)s") % {"number": version.number},
            decide=decisions.roll_back,
            done=_("Rolled back: version %(number)s is live. Scheduled rebuilds are paused.")
            % {"number": version.number},
            context={
                "effect": effect,
                "live": IndexState.read().live_version,
                "active": RebuildRun.objects.active().first(),
            },
            problem=problem,
            can_be_undone=True,
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(PUBLISH)
def pin_version(request: ConsoleRequest) -> HttpResponse:
    version = _requested_version(request)
    return _decide(
        request,
        version,
        Confirmation(
            template="indexing/versions/confirm_pin.html",
            title=_("Pin version %(number)s") % {"number": version.number},
            decide=pinning.pin,
            done=_("Version %(number)s is pinned.") % {"number": version.number},
            then="index:versions",
            problem="" if version.state in pinning.PINNABLE else _("Only a live or kept version can be pinned."),
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(PUBLISH)
def unpin_version(request: ConsoleRequest) -> HttpResponse:
    version = _requested_version(request)
    return _decide(
        request,
        version,
        Confirmation(
            template="indexing/versions/confirm_unpin.html",
            title=_("Unpin version %(number)s") % {"number": version.number},
            decide=pinning.unpin,
            done=_("Version %(number)s is no longer pinned.") % {"number": version.number},
            then="index:versions",
            context={"keep": settings.TCS_KEEP_VERSIONS},
            problem="" if version.pinned_at else _("Version %(number)s is not pinned.") % {"number": version.number},
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(PUBLISH)
def resume_schedule(request: ConsoleRequest) -> HttpResponse:
    if request.method != "POST":
        context = {"title": _("Resume scheduled rebuilds"), "state": IndexState.read()}
        return render(request, "indexing/versions/confirm_resume.html", admin_context(request) | context)
    if decisions.resume_schedule(actor(request)):
        return accepted(request, _("Scheduled rebuilds were resumed."))
    return accepted(request, _("Scheduled rebuilds were not paused."))


def _decide(request: ConsoleRequest, version: IndexVersion, confirmation: Confirmation) -> HttpResponse:
    """GET shows the confirmation page; POST decides. After a refusal the page keeps the reason that was typed."""
    problem, reason, status = confirmation.problem, "", HTTPStatus.OK
    if request.method == "POST":
        reason = request.POST.get("reason", "")
        try:
            confirmation.decide(version.number, actor(request), reason)
        except IndexingError as error:
            problem, status = translated(error), error.status
        else:
            current = Publication.objects.current() if confirmation.can_be_undone else None
            undo = current.pk if current and Publication.objects.before(current) else None
            return accepted(request, confirmation.done, confirmation.then, undo=undo)
        if request.htmx:
            return conflict(request, problem)
    shown = {
        "title": confirmation.title,
        "version": version,
        "problem": problem,
        "reason": reason,
        "possible": not confirmation.problem,
        "rights": rights_of(request.user),
    } | confirmation.context
    return render(request, confirmation.template, admin_context(request) | shown, status=status)


def _requested_version(request: ConsoleRequest) -> IndexVersion:
    parameters = request.POST if request.method == "POST" else request.GET
    version: IndexVersion = get_object_or_404(
        IndexVersion.objects.select_related("run"), pk=whole_number(parameters.get("version"))
    )
    return version


def _not_in(version: IndexVersion, state: State) -> str:
    if version.state == state:
        return ""
    return _("Version %(number)s does not need a decision: it is %(state)s.") % {
        "number": version.number,
        "state": version.get_state_display(),
    }
