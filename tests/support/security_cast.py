"""One of everything that an address may name, and addresses of it."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from accounts.models import Invitation
from experts.importing.records import Changes
from experts.models import Expert, ImportRecord, SavedView, Shortlist, Tag
from indexing import encoders, runs
from indexing.models import ApiToken, IndexVersion, Notification, RebuildRun, SearchTest, Synonym
from indexing.serving import live
from tests.support import attachments_cast, cast

Scene = dict[str, Any]


def without_static_files(middleware: list[str]) -> list[str]:
    """Serving static files is asynchronous: for the test client that is a thread for every request."""
    return [name for name in middleware if "servestatic" not in name]


def one_of_everything(settings: Any, *, query: str = "bread", **of_experts: str) -> Scene:
    """A live version, a kept and a held one, a run that waits for a worker, rows of every model in the admin.

    All experts get what `of_experts` says; one of them is lost in the held version, and the search test misses it.
    """
    settings.TCS_WORKER = "external"
    settings.MIDDLEWARE = without_static_files(settings.MIDDLEWARE)
    first = cast.experts()[0]
    Expert.objects.update(**of_experts)
    saved = SearchTest.objects.create(text=query)
    saved.expected.add(first)
    cast.published_again()
    cast.published_again()
    settings.TCS_APPROVE = "always"
    Expert.objects.filter(pk=first.pk).update(is_active=False)
    with_files = Expert.objects.active()[0]
    document = attachments_cast.document(with_files)
    attachments_cast.photo(with_files)
    held = cast.rebuild()
    assert held.state == RebuildRun.State.HELD
    encoders.loaded()
    owner = User.objects.create_user("owner")
    now = timezone.now()
    seen = {"username": "sam", "ip_address": "192.0.2.1", "user_agent": "x"}
    return {
        "run": runs.request("full", cast.command_actor()).pk,
        "version": live.current().number,
        "kept": IndexVersion.objects.get(state=IndexVersion.State.KEPT).pk,
        "held": held.version_id,
        "expert": first.pk,
        "document": document.pk,
        "photo": with_files.photo_file,
        "active": with_files.pk,
        "expert_type": ContentType.objects.get_for_model(Expert).pk,
        "import": ImportRecord.objects.create(name="sam", changes=Changes([], {}, []).packed()).pk,
        "tag": Tag.objects.order_by("pk").values_list("pk", flat=True)[0],
        "user": owner.pk,
        "invitation": Invitation.objects.issue("new@example.org", owner)[0].pk,
        "shortlist": Shortlist.objects.create(owner=owner, name="Of nobody else").pk,
        "view": SavedView.objects.create(owner=owner, name="Singers", is_shared=True, columns=["rate"]).pk,
        "group": Group.objects.order_by("pk").values_list("pk", flat=True)[0],
        "apitoken": ApiToken.objects.issue(owner)[0].pk,
        "searchtest": saved.pk,
        "synonym": Synonym.objects.create(typed="loaf", found=query, pair_key="x").pk,
        "notification": Notification.objects.create(event="x", subject="x", body="x").pk,
        "accessattempt": AccessAttempt.objects.create(attempt_time=now, failures_since_start=1, **seen).pk,
        "accesslog": AccessLog.objects.create(**seen).pk,
        "accessfailurelog": AccessFailureLog.objects.create(attempt_time=now, **seen).pk,
    }
