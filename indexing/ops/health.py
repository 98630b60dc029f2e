"""Health checks for load balancers and monitors, and the page of metrics."""

from __future__ import annotations

import logging
import secrets

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from indexing import encoders
from indexing.console.access import VIEW, may
from indexing.errors import NoIndexYet
from indexing.lib import pulse
from indexing.lib.translation import translated
from indexing.ops import metrics
from indexing.serving import live

logger = logging.getLogger(__name__)
Check = dict[str, object]


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """The process responds. Nothing else is checked, so that no process is restarted because the database is away."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 if this process can answer searches in every mode; else 503.

    "degraded" if it answers from an older version, or if a part of its background work has stalled.
    """
    checks = {"database": _database(), "live_version": _live_version(), "model": _model()}
    ready = all(check["ok"] for check in checks.values())
    background = _background()
    degraded = live.problem() or not background["ok"]
    state = ("degraded" if degraded else "ready") if ready else "not ready"
    checks["background"] = background
    return JsonResponse({"status": state, "checks": checks}, status=200 if ready else 503)


@never_cache
@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    """The metrics, for Prometheus with TCS_METRICS_TOKEN as bearer token and for staff who may view the index."""
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    expected = settings.TCS_METRICS_TOKEN
    if not (expected and secrets.compare_digest(sent.encode(), expected.encode())) and not may(request.user, VIEW):
        return HttpResponse(_("The metrics token is missing or wrong.") + "\n", status=401, content_type="text/plain")
    return HttpResponse(metrics.page(), content_type=CONTENT_TYPE_LATEST)


def _database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        logger.warning(
            "Not ready: the database does not answer (%s)", error
        )  # not in the response: it may name hosts
        return {"ok": False, "detail": _("The database does not answer.")}
    return {"ok": True, "detail": ""}


def _live_version() -> Check:
    try:
        number = live.current().number
    except NoIndexYet as error:
        return {"ok": False, "version": None, "detail": _live_problem() or translated(error)}
    return {"ok": True, "version": number, "detail": _live_problem()}


def _live_problem() -> str:
    """Why the live version is not served, without the data folder's path: the check is public, the path is not."""
    return live.problem().replace(f"{settings.DATA_DIR}/", "")


def _background() -> Check:
    """Whether the threads beside the requests run."""
    stalled = pulse.stalled()
    late = ", ".join(f"{each.name} ({each.age:.0f} s)" for each in stalled)
    detail = _("Background work has not run lately: %(names)s.") % {"names": late} if stalled else ""
    return {"ok": not stalled, "detail": detail}


def _model() -> Check:
    state = encoders.load_state()
    return {"ok": state == "ready", "state": state, "backend": encoders.backend(), "detail": ""}
