"""publish_version, discard_version, rollback_index, release_schedule: what they do, print, and how they exit."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from indexing import runs
from indexing.lib import paths
from indexing.management import decision_command
from indexing.models import IndexState, Publication
from tests.support import cast, damage, version_cast
from tests.support.version_cast import live

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _external_worker_and_a_name(settings, monkeypatch):
    settings.TCS_WORKER = "external"
    monkeypatch.setattr(decision_command, "account", lambda: "operator")


def command(name: str, *arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(name, *arguments, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), err.getvalue() + str(error)
    return 0, out.getvalue(), err.getvalue()


def typed(monkeypatch, text: str) -> None:
    monkeypatch.setattr(decision_command.sys, "stdin", io.StringIO(text))


def test_a_held_version_is_published_in_the_account_s_name():
    version_cast.held()
    code, out, _err = command("publish_version", "2", "--reason", "They left.")
    assert (code, out.strip(), live()) == (0, "Version 2 is live.", 2)
    last = Publication.objects.first()
    assert (last.name, last.reason) == ("operator", "They left.")


def test_a_held_version_is_discarded():
    version_cast.held()
    code, out, _err = command("discard_version", "2", "--reason", "A bad import.", "--json")
    assert code == 0
    assert json.loads(out) == {"version": 2, "done": True, "error": None, "live": 1}


def test_a_rollback_says_what_it_means_and_asks(monkeypatch):
    version_cast.two_versions()
    typed(monkeypatch, "y\n")
    code, out, err = command("rollback_index", "1", "--reason", "It finds nobody.")
    assert (code, live()) == (0, 1)
    assert "Hides 1 expert added since" in err
    assert "Roll back to version 1? [y/N]" in err
    assert "Rolled back" in out
    assert IndexState.read().schedule_paused_reason == "It finds nobody."


@pytest.mark.parametrize(("text", "said"), [("n\n", "Nothing was changed."), ("\n", "Nothing"), ("", "--noinput")])
def test_any_answer_but_yes_changes_nothing(monkeypatch, text, said):
    version_cast.two_versions()
    typed(monkeypatch, text)
    code, _out, err = command("rollback_index", "1", "--reason", "It finds nobody.")
    assert (code, live()) == (1, 2)
    assert said in err


def test_noinput_does_not_ask_and_stdout_has_only_json(monkeypatch):
    version_cast.two_versions()
    typed(monkeypatch, "")
    code, out, _err = command("rollback_index", "1", "--reason", "It finds nobody.", "--noinput", "--json")
    assert code == 0
    assert json.loads(out) == {"version": 1, "done": True, "error": None, "live": 1}


@pytest.mark.parametrize("name", ["publish_version", "discard_version", "rollback_index"])
def test_a_refused_request_exits_with_1_and_its_sentence(name):
    version_cast.two_versions()
    code, out, err = command(name, "2", "--reason", "Because.", "--json")
    assert code == 1
    assert "Version 2 is live" in err
    assert json.loads(out)["done"] is False
    assert "Version 2 is live" in json.loads(out)["error"]


def test_a_damaged_version_exits_with_1_and_names_the_file():
    version_cast.held()
    damage.replace(paths.version_folder(2) / "ids.npy", b"garbage")
    code, _out, err = command("publish_version", "2", "--reason", "Because.")
    assert (code, live()) == (1, 1)
    assert "ids.npy" in err


def test_a_rollback_under_a_run_exits_with_3():
    version_cast.two_versions()
    runs.request("full", cast.command_actor("otto"))
    code, _out, err = command("rollback_index", "1", "--reason", "Because.", "--noinput")
    assert (code, live()) == (3, 2)
    assert "otto" in err


@pytest.mark.parametrize("arguments", [("2",), ("two", "--reason", "x"), ("--reason", "x")])
@pytest.mark.parametrize("name", ["publish_version", "discard_version", "rollback_index"])
def test_usage_errors_say_what_is_missing(name, arguments):
    with pytest.raises(CommandError, match="reason|number"):
        call_command(name, *arguments)


def test_an_empty_reason_is_refused():
    version_cast.held()
    code, _out, err = command("publish_version", "2", "--reason", " ")
    assert (code, live()) == (1, 1)
    assert "Give a reason" in err


def test_the_schedule_is_resumed_once():
    version_cast.rolled_back()
    assert json.loads(command("release_schedule", "--json")[1]) == {"released": True}
    code, out, _err = command("release_schedule")
    assert (code, out.strip()) == (0, "Scheduled rebuilds were not paused.")
