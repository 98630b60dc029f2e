"""Notifications by e-mail and by a signed webhook, tried again until they are delivered."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from experts.models import Expert
from indexing import notifications, runs
from indexing.lib import processes
from indexing.models import Notification
from indexing.versions import decisions
from tests.support import cast

pytestmark = pytest.mark.django_db


class Receiver(HTTPServer):
    """A webhook's other end; answers with `status` and remembers what it received."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.location = ""
        self.received: list[tuple[Message, bytes]] = []
        self.followed: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.headers, body))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()

    def do_GET(self) -> None:
        self.server.followed.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.TCS_WEBHOOK_URL = f"http://127.0.0.1:{server.server_port}/hook"
    settings.TCS_WEBHOOK_SECRET = "s3cret"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def failed_run() -> None:
    run = runs.claim(processes.me(), runs.request("full", cast.command_actor()).pk)
    runs.fail(run, "The disk is full.")


def test_a_failed_run_sends_an_e_mail(settings):
    settings.TCS_NOTIFY_EMAILS = ["ops@example.org"]
    failed_run()
    assert notifications.deliver_due() == 1
    (message,) = mail.outbox
    assert message.to == ["ops@example.org"]
    assert "failed" in message.subject
    assert "The disk is full." in message.body


@pytest.mark.django_db(transaction=True)
def test_every_other_end_of_a_run_and_every_version_that_goes_live_notifies(settings):
    settings.TCS_NOTIFY_EMAILS = ["ops@example.org"]
    cast.experts(10)
    assert cast.rebuild().state == "done"
    failed_run()
    runs.cancel(runs.request("full", cast.command_actor()).pk, cast.command_actor())
    runs.mark_crashed(runs.request("full", cast.command_actor()), "Nothing was heard of the worker.")
    Expert.objects.filter(username__lte="expert-005").delete()
    held = cast.rebuild()
    decisions.approve(held.version_id, cast.command_actor(), "They left.")
    decisions.roll_back(1, cast.command_actor(), "They are back.")
    assert list(Notification.objects.order_by("pk").values_list("event", flat=True)) == [
        "index.published",
        "run.failed",
        "run.cancelled",
        "run.crashed",
        "run.held",
        "index.published",
        "index.rolled_back",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_never_answers_holds_up_no_run(settings):
    """Delivery happens elsewhere: when the run has ended, its messages have not even been tried."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        settings.TCS_WEBHOOK_URL, settings.TCS_WEBHOOK_SECRET = f"http://{address}/hook", "s3cret"
        cast.experts(3)
        assert cast.rebuild().state == "done"
        silent.settimeout(0)
        with pytest.raises(BlockingIOError):
            silent.accept()
    message = Notification.objects.get()
    assert (message.event, message.attempts) == ("index.published", 0)


def test_nothing_is_delivered_twice(settings):
    settings.TCS_NOTIFY_EMAILS = ["ops@example.org"]
    failed_run()
    notifications.deliver_due()
    assert notifications.deliver_due() == 0
    assert len(mail.outbox) == 1


def test_nothing_is_written_where_nobody_wants_to_know():
    failed_run()
    assert not Notification.objects.exists()


def test_the_webhook_is_signed_over_its_time_and_body(receiver):
    failed_run()
    assert notifications.deliver_due() == 1
    headers, body = receiver.received[0]
    signed = headers["X-TCS-Timestamp"].encode() + b"." + body
    expected = hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
    assert headers["X-TCS-Signature"] == f"sha256={expected}"
    assert json.loads(body)["event"] == "run.failed"
    assert json.loads(body)["error"] == "The disk is full."


def test_a_webhook_that_refuses_is_tried_again_later_and_later(receiver):
    receiver.status = 500
    failed_run()
    pauses = []
    for _attempt in range(3):
        before = timezone.now()
        assert notifications.deliver_due() == 0
        message = Notification.objects.get()
        pauses.append(round((message.next_attempt_at - before).total_seconds()))
        assert notifications.deliver_due() == 0  # not due yet
        Notification.objects.update(next_attempt_at=timezone.now())
    assert pauses == [10, 20, 40]
    assert len(receiver.received) == 3
    receiver.status = 200
    assert notifications.deliver_due() == 1
    assert Notification.objects.get().sent_at is not None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failed_attempt_and_is_not_followed(receiver, status):
    """Followed, it would be a GET without the message, and would give the signature to whoever is named there."""
    receiver.status, receiver.location = status, f"http://127.0.0.1:{receiver.server_port}/elsewhere"
    failed_run()
    assert notifications.deliver_due() == 0
    message = Notification.objects.get()
    assert (message.sent_at, message.attempts) == (None, 1)
    assert str(status) in message.last_error
    assert len(receiver.received) == 1
    assert not receiver.followed


def test_after_the_last_attempt_it_is_given_up_with_the_reason(receiver):
    receiver.status = 500
    failed_run()
    Notification.objects.update(attempts=notifications.ATTEMPTS - 1)
    notifications.deliver_due()
    message = Notification.objects.get()
    assert message.given_up_at is not None
    assert "500" in message.last_error
    Notification.objects.update(next_attempt_at=timezone.now() - timedelta(days=1))
    assert notifications.deliver_due() == 0
    assert len(receiver.received) == 1


def test_a_decision_that_is_taken_back_tells_nobody(settings):
    settings.TCS_NOTIFY_EMAILS = ["ops@example.org"]
    with transaction.atomic():
        failed_run()
        transaction.set_rollback(True)
    assert not Notification.objects.exists()
