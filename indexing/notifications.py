"""Notifications to people and other systems: by e-mail and by a signed webhook.

A notification is a row, written in the transaction of the event. The web processes and the workers deliver what is
due, so a mail server that hangs delays neither a run nor a request, and a restart loses nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import smtplib
import time
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experts.stored_language import stored_language
from indexing.lib import pulse
from indexing.lib.threads import BackgroundThread
from indexing.models import IndexVersion, Notification, RebuildRun

logger = logging.getLogger(__name__)
Channel = Notification.Channel

ATTEMPTS = 8
FIRST_PAUSE = timedelta(seconds=10)
"""Pause before the second attempt. It doubles each time, so the last is about 21 minutes after the first."""
TIMEOUT_SECONDS = 10
LOOK_SECONDS = 3.0


def run_ended(run: RebuildRun) -> None:
    """Queue a notification for a run that ended, but is not done. Call it in the transaction that ends the run."""
    with stored_language():
        subject = _("Run %(number)s (%(kind)s) is %(state)s") % {
            "number": run.pk,
            "kind": run.get_kind_display(),
            "state": run.get_state_display(),
        }
    _enqueue(
        f"run.{run.state}",
        subject,
        run.error,
        {
            "run": run.pk,
            "kind": run.kind,
            "state": run.state,
            "stage": run.stage,
            "error": run.error,
            "requested_by": run.requested_name,
            "version": run.version_id,
        },
    )


def published(version: IndexVersion, *, how: str, name: str, reason: str) -> None:
    """A version has gone live. To be called in the transaction that makes it live."""
    with stored_language():
        subject = _("Version %(number)s is live") % {"number": version.number}
        body = ngettext(
            "%(experts)s expert. By %(who)s. %(reason)s",
            "%(experts)s experts. By %(who)s. %(reason)s",
            version.expert_count,
        ) % {
            "experts": version.expert_count,
            "who": name,
            "reason": reason,
        }
    _enqueue(
        "index.rolled_back" if how == "rollback" else "index.published",
        subject,
        body,
        {
            "version": version.number,
            "experts": version.expert_count,
            "how": how,
            "by": name,
            "reason": reason,
        },
    )


def deliver_due() -> int:
    """Deliver what is due; returns how many were delivered. Processes that do so at once deliver none twice."""
    delivered = 0
    for message in Notification.objects.due().order_by("pk"):
        pause = FIRST_PAUSE * 2**message.attempts
        # Claimed by moving its next attempt: a process that dies on the way leaves it to be tried again.
        taken = Notification.objects.due().filter(pk=message.pk, attempts=message.attempts)
        if not taken.update(attempts=F("attempts") + 1, next_attempt_at=timezone.now() + pause):
            continue
        message.attempts += 1
        delivered += _send(message)
        pulse.beat()
    return delivered


def signature(body: bytes, at: str) -> str:
    """HMAC-SHA256 in hex over "<time>.<body>" with TCS_WEBHOOK_SECRET: an old message cannot be sent again."""
    return hmac.new(settings.TCS_WEBHOOK_SECRET.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()


def _enqueue(event: str, subject: str, body: str, payload: dict[str, Any]) -> None:
    channels = [Channel.EMAIL] if settings.TCS_NOTIFY_EMAILS else []
    channels += [Channel.WEBHOOK] if settings.TCS_WEBHOOK_URL else []
    Notification.objects.bulk_create(
        Notification(channel=channel, event=event, subject=subject[:200], body=body, payload=payload)
        for channel in channels
    )


def _send(message: Notification) -> bool:
    try:
        if message.channel == Channel.EMAIL:
            subject = f"[TCS] {' '.join(message.subject.split())}"  # a line break in it would be a header
            send_mail(subject, message.body, None, settings.TCS_NOTIFY_EMAILS)
        else:
            _post(message)
    except (OSError, smtplib.SMTPException, http.client.HTTPException, ValueError) as error:
        gave_up = message.attempts >= ATTEMPTS
        logger.warning("%s was not delivered by %s (%s).", message.event, message.channel, error)
        Notification.objects.filter(pk=message.pk).update(
            last_error=str(error)[:2000], given_up_at=timezone.now() if gave_up else None
        )
        return False
    Notification.objects.filter(pk=message.pk).update(sent_at=timezone.now(), last_error="")
    return True


def _post(message: Notification) -> None:
    """Any 2xx is a delivery, and nothing else: a redirect is not followed. Raises OSError, URLError."""
    body = json.dumps({"event": message.event, "id": message.pk, **message.payload}, sort_keys=True).encode()
    at = str(int(time.time()))
    request = urllib.request.Request(  # noqa: S310  the operator's own setting, checked to be http or https
        settings.TCS_WEBHOOK_URL,
        data=body,
        headers={
            "Content-Type": "application/json",
            "User-Agent": "TCS",
            "X-TCS-Event": message.event,
            "X-TCS-Timestamp": at,
            "X-TCS-Signature": f"sha256={signature(body, at)}",
        },
    )
    with _opener.open(request, timeout=TIMEOUT_SECONDS):
        pass


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: urllib would turn the message into a GET without a body, and hand its signature on."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        """Raises HTTPError, always."""
        reason = f"redirected to {newurl[:200]}; set TCS_WEBHOOK_URL to the final address"
        raise urllib.error.HTTPError(req.full_url, code, reason, headers, fp)


_opener = urllib.request.build_opener(_NoRedirects)


def _deliver() -> float:
    deliver_due()
    return LOOK_SECONDS


_background = BackgroundThread("notifications", _deliver, retry_seconds=LOOK_SECONDS, first_pause=LOOK_SECONDS)
deliver_in_background = _background.start
"""Start a web process's thread that delivers, once. Apart from requests: a mail server may take its time."""
stop_delivering = _background.stop
