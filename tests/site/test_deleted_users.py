"""What a deleted user did stays in the history, under their name, however they are deleted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db.models import ForeignKey, ManyToManyField, ProtectedError
from django.test import Client

from indexing import audit, runs
from indexing.models import ApiToken, RebuildRun
from indexing.models.deleted_users import stand_ins
from tests.support import cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]

USERS = "/admin/auth/user/"


@pytest.fixture
def root(client) -> Client:
    client.force_login(cast.staff(username="root", superuser=True))
    return client


@pytest.fixture
def sam(external_workers) -> User:
    """Changed an expert and requested a run."""
    user = cast.staff("indexing.view")
    expert = cast.experts(1)[0]
    LogEntry.objects.log_actions(user.pk, [expert], CHANGE, [{"changed": {"fields": ["bio"]}}])
    actor = audit.Actor("sam", RebuildRun.Via.PAGE, user, "192.0.2.1")
    runs.cancel(runs.request("full", actor, reason="New people").pk, actor)
    ApiToken.objects.issue(user)
    return user


def on_its_page(root: Client, user: User) -> None:
    page = root.get(f"{USERS}{user.pk}/delete/").content.decode()
    assert "Log entr" not in page
    assert root.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}).status_code == 302


def in_the_list(root: Client, user: User) -> None:
    chosen = {"action": "delete_selected", "_selected_action": [user.pk], "index": "0"}
    page = root.post(USERS, chosen).content.decode()
    assert "Log entr" not in page
    assert root.post(USERS, chosen | {"post": "yes"}).status_code == 302


def in_a_shell(_root: Client, user: User) -> None:
    user.delete()


def many_in_a_shell(_root: Client, _user: User) -> None:
    User.objects.exclude(username="root").delete()


@pytest.mark.parametrize("delete", [on_its_page, in_the_list, in_a_shell, many_in_a_shell])
def test_the_history_goes_on_naming_a_deleted_user(root, sam, delete: Callable[[Client, User], None]):
    before = set(LogEntry.objects.values_list("pk", flat=True))
    assert len(before) == 3
    delete(root, sam)
    assert not User.objects.filter(username="sam").exists()
    entries = LogEntry.objects.filter(pk__in=before)
    assert entries.count() == 3
    names = {entry.user.get_username() for entry in entries}
    assert len(names) == 1
    assert names.pop().startswith("sam (deleted on 2")
    expert = entries.get(content_type__model="expert").object_id
    assert "sam (deleted on" in root.get(f"/admin/experts/expert/{expert}/history/").content.decode()
    run = RebuildRun.objects.get()
    assert (run.requested_by, run.requested_name, run.cancel_requested_name) == (None, "sam", "sam")
    assert not ApiToken.objects.exists()


def test_nobody_signs_in_as_a_deleted_user(root, sam):
    name = sam.get_username()
    sam.delete()
    kept = stand_ins().get()
    assert (kept.is_active, kept.is_staff, kept.has_usable_password()) == (False, False, False)
    form = {"username": kept.get_username(), "password": "!deleted", "next": "/"}
    assert Client().post("/admin/login/", form).status_code == 200
    assert cast.staff(username=name)  # the name is free again


def test_the_account_that_keeps_the_history_is_not_deleted(root, sam):
    sam.delete()
    kept = stand_ins().get()
    with pytest.raises(ProtectedError):
        kept.delete()
    assert root.post(f"{USERS}{kept.pk}/delete/", {"post": "yes"}).status_code == 403
    page = root.post(USERS, {"action": "delete_selected", "_selected_action": [kept.pk], "index": "0", "post": "yes"})
    assert "keeps the history of a deleted user" in page.content.decode()
    assert root.get(f"{USERS}{kept.pk}/change/").status_code == 200  # read only
    assert root.post(f"{USERS}{kept.pk}/change/", {"username": "x"}).status_code == 403
    assert LogEntry.objects.filter(user=kept).count() == 3


def test_a_user_without_history_leaves_nothing(root):
    cast.visitor().delete()
    assert not stand_ins().exists()


def test_the_same_name_deleted_twice_on_one_day_is_one_account(sam):
    sam.delete()
    again = cast.staff()
    LogEntry.objects.log_actions(again.pk, list(stand_ins()), CHANGE, "x")
    again.delete()
    assert LogEntry.objects.filter(user=stand_ins().get()).count() == 4


def test_of_a_long_name_as_much_is_kept_as_fits():
    user = cast.staff(username="x" * 150)
    LogEntry.objects.log_actions(user.pk, [user], CHANGE, "x")
    user.delete()
    assert len(stand_ins().get().username) == 150


def test_whatever_else_names_a_user_is_thought_of():
    """A new relation to users must decide what stays when a user is deleted."""
    found = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey | ManyToManyField) and field.related_model is User
    }
    assert found == {
        "admin.LogEntry.user",  # handed over
        "indexing.RebuildRun.requested_by",  # set to null; the run stores the name
        "indexing.ApiToken.user",  # ends with its user
        "accounts.Identity.user",  # ends with its user
        "accounts.Invitation.invited_by",  # set to null; the invitation stays
        "experts.ChosenColumns.user",  # ends with its user
        "experts.SavedView.owner",  # set to null if it is shared, else it ends with its user
        "experts.RejectedTag.user",  # set to null; the tag stays rejected
        "experts.Shortlist.owner",  # ends with its user
        "experts.Shortlist.readers",  # the list stays
        "experts.Shortlist_readers.user",
        "auth.User_groups.user",
        "auth.User_user_permissions.user",
    }
