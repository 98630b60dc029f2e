"""What others wrote is shown and does nothing: no markup, no turned lines, no orders to a terminal."""

from __future__ import annotations

import csv
import io
import json
import logging
import sys
from contextlib import redirect_stderr

import pytest
from asgiref.sync import sync_to_async
from axes.models import AccessAttempt
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from experts.identity import clean_username
from experts.importing.cells import mark_formula
from experts.models import Expert, ExpertTag, Tag
from experts.safe_text import SafeFormatter, visible, without_bidi_controls
from indexing import audit, runlog
from indexing.console.access import Rights
from indexing.console.live_page import watcher
from indexing.console.live_page.feed import Feed, Tab
from indexing.console.runs import log_pages
from indexing.management.commands import rebuild_index
from indexing.models import (
    IndexState,
    IndexVersion,
    Notification,
    Publication,
    RebuildRun,
    RunLogLine,
    ServingProcess,
)
from indexing.worker import terminal
from indexing.worker.signals import Interruption
from tests.support import cast
from tests.support.html_reading import Element, parse_html, runs_something, turned_lines
from tests.support.permission_table import TABLE
from tests.support.security_cast import Scene, one_of_everything

pytestmark = pytest.mark.django_db(transaction=True)

EVIL = '<evil onclick="x">\'&amp;\x1b[31m'
TURNED = f"{EVIL}\u2069\u202e"
"""An isolate around it is closed by the text itself; what follows would be written from right to left."""
IMPORT = "/admin/experts/expert/import/"
CONTROLS = [chr(code) for code in [*range(0x20), *range(0x7F, 0xA0)] if chr(code) not in "\n\t"]


@pytest.fixture
def scene(settings) -> Scene:
    """Everything that somebody may write holds markup."""
    names = dict.fromkeys(("first_name", "last_name", "job_title", "company", "category"), TURNED)
    urls = {"profile_url": "javascript:alert(1)", "photo_url": "JavaScript:alert(2)"}
    scene = one_of_everything(settings, query=TURNED, bio=f"bread {TURNED}", **names, **urls)
    Tag.objects.filter(pk=scene["tag"]).update(name=TURNED, description=TURNED)
    ExpertTag.objects.bulk_create(
        ExpertTag(expert=expert, tag_id=scene["tag"], source="manual")
        for expert in Expert.objects.exclude(tags=scene["tag"])
    )
    RebuildRun.objects.update(error=TURNED, requested_name=TURNED, cancel_requested_name=TURNED)
    RebuildRun.objects.filter(pk=scene["run"]).update(cancel_requested_at=timezone.now())
    for run in RebuildRun.objects.all():
        RunLogLine.objects.create(run=run, seq=100_000, level="error", stage=EVIL[:10], message=TURNED)
    Publication.objects.update(reason=TURNED, name=TURNED)
    IndexVersion.objects.update(model_name=TURNED)
    IndexState.objects.update(
        schedule_paused_at=timezone.now(), schedule_paused_name=TURNED, schedule_paused_reason=TURNED
    )
    ServingProcess.objects.create(host="web", pid=7, process_start=1.0, seen_at=timezone.now(), problem=TURNED)
    Notification.objects.update(subject=TURNED, body=TURNED, last_error=TURNED)
    AccessAttempt.objects.update(username=EVIL, user_agent=EVIL, path_info=EVIL)
    return scene


@pytest.fixture
def client(client: Client) -> Client:
    root = cast.staff(username=EVIL, superuser=True)
    LogEntry.objects.create(user=root, object_repr=EVIL, action_flag=CHANGE, change_message=EVIL)
    client.force_login(root)
    return client


def harm(page: Element) -> list[str]:
    markup = [f"<{each.tag}>" for each in page.walk() if each.tag == "evil" or "onclick" in each.attributes]
    return markup + runs_something(page) + turned_lines(page)


@pytest.mark.parametrize(
    "html",
    [
        "<p>by &#x202e;x (page)</p>",
        "<li><a>x&#x2067;</a> <a>y</a></li>",
        "<p><bdi>x&#x2069;&#x202e;</bdi> y</p>",
        "<evil>",
        "<a onclick=x>",
        "<a href='JavaScript:x()'>x</a>",
    ],
)
def test_these_tests_would_see_harm(html):
    assert harm(parse_html(html))
    assert not harm(
        parse_html("<p>by <bdi>x&#x202e;</bdi> (page)</p><table><tr><td>x&#x202e;</td><td>y</td></tr></table>")
    )


def test_no_page_obeys_what_somebody_wrote(scene, client):
    found, seen = [], {}
    for row in TABLE:
        path = row.path.format(**scene)
        answer = client.get(path)
        if not answer.get("Content-Type", "").startswith("text/html") or answer.streaming:
            continue
        assert answer.status_code < 500, path
        page = parse_html(answer.content.decode())
        seen[row.name] = page.text
        found += [f"{path}: {each}" for each in harm(page)]
    assert not found, "\n".join(["", *found])
    silent = [name for name in SHOWING if "<evil" not in seen[name]]
    assert not silent, "what was written is not shown at all"


SHOWING = [
    "search",
    "index:page",
    "index:run",
    "index:version",
    "index:versions",
    "index:publish",
    "index:cancel",
    "index:release",
    "index:drift",
    "index:lab",
    "index:tag-preview",
    "admin:experts_expert_changelist",
    "admin:experts_expert_change",
    "admin:experts_expert_delete",
    "admin:experts_tag_changelist",
    "admin:experts_tag_change",
    "index:search-tests",
    "admin:indexing_notification_changelist",
    "admin:indexing_notification_change",
    "admin:axes_accessattempt_changelist",
    "admin:index",
]


async def test_what_the_socket_sends_obeys_nothing_either(scene):
    """The same fragments as on the page, and the log's lines."""
    rights = Rights(view=True, rebuild=True, cancel=True, publish=True)
    for tab in (Tab(None, 1, "en"), Tab(scene["run"], 1, "en")):
        feed = Feed(tab, watcher.Watcher(), run=scene["run"], after=0)
        html = await sync_to_async(lambda: feed.next_message(watcher.read_table_state(), rights))()  # noqa: B023  awaited at once
        fragments = parse_html(html)
        assert not harm(fragments)
        assert fragments.text.count("<evil") > 3


@pytest.mark.parametrize("asked", [{"q": TURNED}, {"q": TURNED, "mode": "keyword"}])
def test_a_query_is_shown_back_and_not_obeyed(asked, client):
    cast.published()
    for headers in ({}, {"HX-Request": "true"}):
        answer = client.get("/", asked, headers=headers)
        page = parse_html(answer.content.decode())
        assert not harm(page)
        assert "\n" not in answer.get("HX-Push-Url", "")


def test_a_file_is_previewed_and_not_obeyed(client):
    expert = cast.experts(1)[0]
    rows = [
        ["Username", "First Name", "Bio", "Hourly Rate", TURNED],
        [TURNED, TURNED, TURNED, "1", "x"],
        ["after", "x", "x", "1", "x"],
        [expert.username, TURNED, f"and more\n{TURNED}", "1", "x"],
        ["bad", "x", "x", TURNED, "x"],
    ]
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    upload = SimpleUploadedFile(f"{EVIL}\u202e.csv", file.getvalue().encode())
    answer = client.post(IMPORT, {"file": upload, "skip_bad": "1"}, follow=True)
    page = parse_html(answer.content.decode())
    assert not harm(page)
    assert page.text.count("<evil") >= 6
    applied = client.post(f"{IMPORT}apply/", {"digest": answer.context["plan"].digest}, follow=True)
    assert not harm(parse_html(applied.content.decode()))
    assert Expert.objects.filter(username=clean_username(TURNED)).exists()


def test_a_reason_is_kept_without_what_would_turn_or_hide_what_follows(settings):
    scene = one_of_everything(settings)
    client = Client()
    client.force_login(cast.staff("indexing.publish"))
    reason = f"{TURNED}\x00\x08 over"
    client.post("/admin/index/versions/publish/", {"version": scene["held"], "reason": reason})
    kept = Publication.objects.get(version=scene["held"]).reason
    assert "<evil" in kept
    assert kept.endswith("over")
    noted = audit.sentence(LogEntry.objects.get(object_repr__startswith="Published"))
    for text in (kept, noted, runlog.last_lines(RebuildRun.objects.get(version=scene["held"]).pk, 1)[0].message):
        assert without_bidi_controls(text) == visible(text) == text


# --- Terminals and files ------------------------------------------------------------------------------------
def run_with_a_line(message: str) -> RebuildRun:
    run = RebuildRun.objects.create(state="failed", error=f"failed {message}", finished_at=timezone.now())
    runlog.append(run.pk, message)
    RunLogLine.objects.create(run=run, seq=99, message=message)  # as an older version stored it
    return run


def obeyed(text: str) -> set[str]:
    return {sign for sign in text if sign in CONTROLS} - {"\r"}


ORDERS = "".join(CONTROLS) + "\x1b]0;title\x07\x1b[2J\x9b31m\u202e"


def test_a_terminal_that_follows_a_run_obeys_nothing_in_its_log():
    terminal_text = io.StringIO()
    command = rebuild_index.Command(stderr=terminal_text, stdout=terminal_text)
    command.as_json = False
    run = command.follow(run_with_a_line(ORDERS), cast.command_actor(), Interruption())
    command.report(run)
    assert terminal_text.getvalue().count("title") == 3
    assert not obeyed(terminal_text.getvalue())


def test_a_terminal_that_shows_a_build_obeys_nothing_in_what_is_logged():
    with redirect_stderr(io.StringIO()) as terminal_text, terminal.log_to_terminal(quiet=False):
        logging.getLogger("indexing.test").warning("expert %s", ORDERS)
    assert "title" in terminal_text.getvalue()
    assert not obeyed(terminal_text.getvalue())


def test_the_commands_show_names_and_sentences_without_obeying_them(capsys):
    cast.experts()
    Expert.objects.update(first_name=ORDERS, job_title=f"{ORDERS} baker", company=ORDERS)
    cast.published_again()
    run_with_a_line(ORDERS)
    ServingProcess.objects.create(host="web", pid=7, process_start=1.0, seen_at=timezone.now(), problem=ORDERS)
    call_command("search_experts", "baker")
    call_command("index_status")
    shown = "".join(capsys.readouterr())
    assert shown.count("title") > 10
    assert not obeyed(shown)


def test_a_log_record_is_one_line_and_obeys_nothing():
    text = "away\n2026-01-01 00:00:00,000 INFO indexing: all is well"
    record = logging.LogRecord("indexing", logging.WARNING, "", 0, "%s %s", (text, ORDERS), None)
    line = SafeFormatter("%(levelname)s %(message)s").format(record)
    assert "\n" not in line
    assert not obeyed(line)
    assert line.startswith("WARNING away␊2026")


def test_a_traceback_keeps_its_lines_and_obeys_nothing():
    try:
        raise ValueError(ORDERS)
    except ValueError:
        record = logging.LogRecord("indexing", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    text = SafeFormatter("%(message)s").format(record)
    assert text.startswith("failed\nTraceback")
    assert not obeyed(text)


def test_a_line_of_a_megabyte_is_cut_and_takes_no_page_or_socket_down(client):
    run = RebuildRun.objects.create(state="failed", finished_at=timezone.now())
    for _ in range(3):
        runlog.append(run.pk, "<evil>" * 180_000)
    answer = client.get(f"/admin/index/runs/{run.pk}/")
    assert len(answer.content) < 500_000
    assert "more characters" in answer.content.decode()
    assert not harm(parse_html(answer.content.decode()))


def test_many_long_lines_make_a_window_of_bounded_size(client):
    run = RebuildRun.objects.create()
    RunLogLine.objects.bulk_create(RunLogLine(run=run, seq=n, message="x" * 16_000) for n in range(1, 301))
    shown = log_pages.last_lines(run.pk)
    assert sum(len(line.message) for line in shown.lines) <= log_pages.WINDOW_CHARACTERS
    assert (shown.last, shown.total) == (300, 300)
    assert len(client.get(f"/admin/index/runs/{run.pk}/").content) < 2 * log_pages.WINDOW_CHARACTERS
    RunLogLine.objects.create(run=run, seq=301, message="x" * 2 * log_pages.WINDOW_CHARACTERS)
    assert [line.seq for line in log_pages.last_lines(run.pk).lines] == [301]


def test_the_log_is_downloaded_as_text_that_no_browser_opens_as_a_page(client):
    run = run_with_a_line(EVIL)
    answer = client.get(f"/admin/index/runs/{run.pk}/log.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"] == f'attachment; filename="index-run-{run.pk}.txt"'


def test_json_is_json_whatever_is_in_it(scene, client):
    answer = client.get("/api/search", {"q": f"bread {TURNED}"})
    assert answer["Content-Type"].startswith("application/json")
    assert answer["X-Content-Type-Options"] == "nosniff"
    card = json.loads(answer.content)["hits"][0]["expert"]
    assert card["job_title"] == TURNED
    assert (card["profile_url"], card["photo_url"]) == ("", "")


# --- Spreadsheets -------------------------------------------------------------------------------------------
STARTS = ["=", "+", "-", "@", "\t=", "\r=", "\n=", "\0=", "＝", "＋", "－", "＠", "'=", "''="]  # noqa: RUF001


def test_an_exported_cell_never_starts_a_formula(client):
    for number, start in enumerate(STARTS):
        value = f"{start}HYPERLINK(1)"
        Expert.objects.create(
            username=f"{value}{number}",
            first_name=value,
            last_name=value,
            job_title=value,
            company=value,
            bio=value,
            category=value,
            currency=start[:3],
            profile_url=value,
            photo_url=value,
        )
    ids = list(Expert.objects.values_list("pk", flat=True))
    answer = client.post("/admin/experts/expert/", {"action": "export", "_selected_action": ids})
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "attachment" in answer["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert len(rows) == len(STARTS) + 1
    assert not [cell for row in rows[1:] for cell in row if cell[:1] in tuple("=+-@\t\r\n\0＝＋－＠")]  # noqa: RUF001


def test_a_value_that_is_not_a_formula_is_exported_unchanged():
    for value in ("O'Hara", "'quoted'", "1 = 1", "e-mail", "", "42"):
        assert mark_formula(value) == value
