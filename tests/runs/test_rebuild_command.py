"""rebuild_index and index_status: what they print, and how they exit."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import translation

from experts.models import Expert
from indexing import runs
from indexing.audit import Actor
from indexing.lib import processes
from indexing.management import schedule
from indexing.management.commands import rebuild_index
from indexing.models import IndexState, RebuildRun
from indexing.versions import decisions
from manage import CommandLine
from tests.support import cast, version_cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """No background process for the map, no signal handlers of this process changed."""
    monkeypatch.setattr(rebuild_index.launch, "start_worker_for_map", lambda version: None)
    monkeypatch.setattr(rebuild_index.signals, "interruption", rebuild_index.signals.Interruption)


def command(name: str, *arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(name, *arguments, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_a_rebuild_is_done_here_and_exits_with_0():
    cast.experts(4)
    code, out, _err = command("rebuild_index")
    assert code == 0
    assert "4 experts, 4 encoded, 0 reused" in out
    assert IndexState.read().expert_count_at_rebuild == 4


def test_a_run_that_no_worker_takes_is_said_once(external_workers, monkeypatch):
    cast.experts(3)
    turns = []

    def sleep(_seconds: float) -> None:
        turns.append(1)
        if len(turns) == 3:  # a worker comes
            assert (claimed := runs.claim(processes.me()))
            rebuild_index.execute.execute(claimed)

    monkeypatch.setattr(rebuild_index, "WAIT_SECONDS", -1)
    monkeypatch.setattr(rebuild_index.time, "sleep", sleep)
    code, out, err = command("rebuild_index")
    assert code == 0
    assert "3 experts" in out
    assert err.count("is still waiting for a worker") == 1


def test_json_is_one_object_on_stdout():
    cast.experts(4)
    _code, out, _err = command("rebuild_index", "--json")
    output = json.loads(out)
    assert (output["state"], output["experts"], output["version"]) == ("done", 4, 1)


def test_a_failed_rebuild_exits_with_1_and_its_sentence():
    code, _out, err = command("rebuild_index")
    assert code == 1
    assert "no active experts" in err


def test_busy_exits_with_3_and_names_the_running_run():
    run = runs.claim(processes.me(), runs.request("full", cast.command_actor("carol")).pk)
    code, _out, err = command("rebuild_index")
    assert code == 3
    assert f"Run {run.pk}" in err
    assert "carol" in err


def test_a_held_rebuild_exits_with_4_and_says_why():
    cast.experts(10)
    command("rebuild_index")
    Expert.objects.filter(username__lte="expert-005").delete()
    code, _out, err = command("rebuild_index")
    assert code == 4
    assert "5 of 10 experts" in err


def test_usage_errors_exit_with_2():
    with pytest.raises(CommandError, match="invalid choice"):
        command("rebuild_index", "--kind", "half")


def test_without_waiting_the_run_is_queued_for_a_worker(settings):
    settings.TCS_WORKER = "external"
    code, out, _err = command("rebuild_index", "--no-wait", "--kind", "tags")
    assert code == 0
    assert "queued" in out
    assert RebuildRun.objects.get().state == RebuildRun.State.QUEUED


def test_a_dry_run_reports_what_would_change_and_does_nothing():
    people = cast.experts(10)
    command("rebuild_index")
    people[0].delete()
    Expert.objects.filter(pk=people[1].pk).update(bio="Something else.")
    Expert.objects.create(username="new", job_title="Glazier")
    _code, out, _err = command("rebuild_index", "--dry-run", "--json")
    plan = json.loads(out)
    assert (plan["experts"], plan["added"], plan["changed"], plan["removed"]) == (10, 1, 1, 1)
    assert (plan["to_encode"], plan["to_reuse"]) == (2, 8)
    assert plan["bytes_free"] > plan["bytes_needed"] > 0
    assert plan["seconds"] > 0
    assert plan["fields"] == {"bio": 1}
    assert "Changed in: bio 1." in command("rebuild_index", "--dry-run")[1]
    assert RebuildRun.objects.count() == 1


def test_cron_does_nothing_below_its_limits():
    cast.experts(10)
    command("rebuild_index")
    code, out, _err = command("rebuild_index", "--if-drift", "5%", "--if-older", "24h")
    assert (code, out.strip()) == (0, "Nothing to do.")
    assert RebuildRun.objects.count() == 1


@pytest.mark.parametrize("limit", [("--if-drift", "10%"), ("--if-older", "0s")])
def test_cron_rebuilds_at_its_limit(limit):
    cast.experts(10)
    command("rebuild_index")
    Expert.objects.filter(username="expert-001").update(bio="Something else.")
    assert command("rebuild_index", *limit)[0] == 0
    assert RebuildRun.objects.first().scheduled
    assert RebuildRun.objects.count() == 2


def test_cron_does_not_undo_a_rollback():
    cast.experts(4)
    command("rebuild_index")
    command("rebuild_index")
    decisions.roll_back(1, Actor("carol", RebuildRun.Via.PAGE), "Bad tags.")
    code, out, _err = command("rebuild_index", "--if-older", "0s")
    assert code == 0
    assert "paused" in out
    assert IndexState.read().live_version_id == 1


@pytest.mark.parametrize(("text", "value"), [("5%", 0.05), ("0.05", 0.05), ("100%", 1.0)])
def test_a_share_is_read(text, value):
    assert schedule.parse_share(text) == pytest.approx(value)


@pytest.mark.parametrize(("text", "value"), [("90s", 90), ("30m", 1800), ("24h", 86400), ("7d", 604800)])
def test_a_duration_is_read(text, value):
    assert schedule.parse_seconds(text) == value


@pytest.mark.parametrize("text", ["", "h", "5", "-1h", "nan%", "x%"])
def test_other_values_are_refused(text):
    for read in (schedule.parse_share, schedule.parse_seconds):
        if (read, text) == (schedule.parse_share, "5"):
            continue  # 500 %: odd, but a share
        with pytest.raises(schedule.argparse.ArgumentTypeError):
            read(text)


def test_the_status_of_an_index_never_built():
    output = json.loads(command("index_status", "--json")[1])
    assert (output["badge"], output["live_version"], output["last_rebuild_at"]) == ("never", None, None)


def test_at_the_terminal_commands_speak_english(settings, capsys):
    settings.LANGUAGE_CODE = "nl"
    with translation.override("nl"):
        status = CommandLine(["manage.py", "index_status"]).fetch_command("index_status")
        call_command(status)
        out = capsys.readouterr().out
        call_command(status, "--json")
        sentence = json.loads(capsys.readouterr().out)["sentence"]
    assert f"Index:    never. {sentence}" in out
    assert sentence == "No index has been built yet."
    assert "No version is live yet, so no expert can be found." in out


def test_json_has_the_sentences_of_the_gate_as_text():
    version_cast.held()
    run = RebuildRun.objects.latest("pk")
    output = io.StringIO()
    shown = rebuild_index.Command(stdout=output)
    shown.as_json = True
    shown.report(run)
    gate = json.loads(output.getvalue())["gate"]
    assert not gate["passed"]
    for verdict, record in zip(gate["verdicts"], run.gate_record.verdicts, strict=True):
        assert set(verdict) == {"rule", "sentence", "value", "limit", "passed", "warning"}
        assert verdict["sentence"] == record.text


def test_the_status_after_a_rebuild():
    cast.experts(4)
    command("rebuild_index")
    output = json.loads(command("index_status", "--json")[1])
    assert (output["badge"], output["live_version"], output["experts"]) == ("complete", 1, 4)
    assert "version 1, 4 experts" in command("index_status")[1]
