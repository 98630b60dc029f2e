"""What a run stored is shown in each reader's language: its error, its log, its stages, its gate's report,
and what people did.

The Dutch here is made up, English in capitals, so that these tests do not depend on the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.test import Client
from django.utils import translation

from experts import admin_history
from experts.importing.apply import IMPORTED
from indexing import audit, runlog, runs
from indexing.audit import Actor
from indexing.lib.messages import PLACEHOLDER, message
from indexing.models import RebuildRun, RunLogLine
from indexing.runlog.line_filter import LineFilter
from tests.support import cast, version_cast
from tests.support.dutch import dutch_with
from tests.support.html_reading import parse_html
from tests.support.socket_cast import running

pytestmark = pytest.mark.django_db(transaction=True)

COUNTS = ("new", "changed", "deactivated", "unchanged", "rejected")
PAGE, API = "/admin/index/", "/api/admin/ingest/"
DUTCH, ENGLISH = {"Accept-Language": "nl"}, {"Accept-Language": "en"}


def capitals(text: str) -> str:
    """A translation: the same in capitals, but for its placeholders."""
    pieces, end = [], 0
    for found in PLACEHOLDER.finditer(text):
        pieces += [text[end : found.start()].upper(), found[0]]
        end = found.end()
    return "".join([*pieces, text[end:].upper()])


def texts_in(stored: Any) -> Iterator[str]:
    """Every message's text in what a JSON column holds."""
    if isinstance(stored, dict):
        if isinstance(stored.get("id"), str):
            yield stored["id"]
        for value in stored.values():
            yield from texts_in(value)
    elif isinstance(stored, list):
        for value in stored:
            yield from texts_in(value)


def translations_for(run: RebuildRun) -> dict[str, str]:
    rows = [run.error_data, run.gate, run.stages, *run.lines.values_list("message_data", flat=True)]
    return {text: capitals(text) for text in texts_in(rows) if capitals(text) != text}


def shown(path: str, language: dict[str, str]) -> str:
    client = Client(headers=language)
    client.force_login(cast.staff("indexing.view", username=f"reader-{language['Accept-Language']}-{path}"))
    answer = client.get(path)
    assert answer.status_code == 200
    body = answer.content.decode()
    return parse_html(body).text if body.lstrip().startswith("<") else body


def failed() -> RebuildRun:
    cast.experts(3)
    run = running()
    runlog.append(run.pk, message("The disk %(name)s is slow.", name="sda"), level="warning")
    runs.fail(run, message("Disk full: %(free)d MB free.", free=1_234))
    run.refresh_from_db()
    return run


def sentences_of(run: RebuildRun) -> list[str]:
    found = [run.error, *run.lines.values_list("message", flat=True)]
    found += [stage["summary"] for stage in run.stages]
    found += [verdict["sentence"] for verdict in run.gate.get("verdicts", ())]
    return [sentence for sentence in found if sentence]


@pytest.mark.parametrize("make", [failed, version_cast.held])
def test_a_dutch_page_and_a_dutch_api_show_no_english_sentence(make):
    run = make()
    paths = [f"{PAGE}runs/{run.pk}/", f"{API}runs/{run.pk}", f"{API}runs/{run.pk}/log"]
    with dutch_with(translations_for(run)):
        dutch = " ".join(shown(path, DUTCH) for path in paths)
    english = " ".join(shown(path, ENGLISH) for path in paths)
    assert len(sentences_of(run)) > 2
    for sentence in sentences_of(run):
        assert sentence in english or sentence in english.encode().decode("unicode_escape")
        assert sentence not in dutch
    assert capitals(run.error.split()[0]) in dutch


def test_numbers_are_the_readers_too():
    run = failed()
    with dutch_with({"Disk full: %(free)d MB free.": "Schijf vol: %(free)d MB vrij."}), translation.override("nl"):
        assert run.error_text == "Schijf vol: 1.234 MB vrij."
    assert run.error == "Disk full: 1,234 MB free."


def test_a_log_is_searched_as_it_is_read():
    run = failed()
    wanted = LineFilter.from_query("", "traag")
    lines = RunLogLine.objects.filter(run=run)
    assert not wanted.among(lines)
    with dutch_with({"The disk %(name)s is slow.": "De schijf %(name)s is traag."}), translation.override("nl"):
        assert [line.text for line in wanted.among(lines)] == ["De schijf sda is traag."]
        assert not LineFilter.from_query("error", "traag").among(lines)
        assert not LineFilter.from_query("", "slow").among(lines)


def test_rows_of_an_older_release_show_what_they_hold():
    verdict = {"rule": "recall", "sentence": "Old verdict.", "value": None, "limit": 0.9, "passed": True}
    run = RebuildRun.objects.create(
        state="held",
        error="Old error.",
        stages=[{"stage": "embed", "seconds": 2.0, "summary": "Old summary."}],
        gate={"passed": False, "verdicts": [verdict]},
    )
    RunLogLine.objects.create(run=run, seq=1, message="Old line.")
    with translation.override("nl"):
        assert run.error_text == "Old error."
        assert [stage.summary_text for stage in run.stage_records] == ["Old summary."]
        assert run.gate_record
        assert run.gate_record.verdicts[0].text == "Old verdict."
        assert not run.gate_record.lost_count
        assert [line.text for line in run.lines.all()] == ["Old line."]
        assert LineFilter.from_query("", "old line").among(run.lines.all())
    page = shown(f"{PAGE}runs/{run.pk}/", DUTCH)
    for sentence in ("Old error.", "Old verdict.", "Old line."):
        assert sentence in page


def test_the_recent_actions_follow_the_reader():
    root = cast.staff(username="root", superuser=True)
    run = runs.request("full", Actor("root", RebuildRun.Via.PAGE, root, "192.0.2.7"), reason="News")
    admin_history.log_summary(root, IMPORTED, file="people.csv", **dict.fromkeys(COUNTS, 1))
    LogEntry.objects.create(user=root, object_repr="Of old.", action_flag=CHANGE, change_message="Of old. [root]")
    texts = {
        "Requested run %(number)s (%(kind)s)%(why)s.": "Run %(number)s (%(kind)s) aangevraagd%(why)s.",
        IMPORTED: "%(file)s geïmporteerd.",
    }
    client = Client(headers=DUTCH)
    client.force_login(root)
    with dutch_with(texts):
        page = parse_html(client.get("/admin/").content.decode()).text
    for sentence in ("aangevraagd: News.", "people.csv geïmporteerd.", "Of old."):
        assert sentence in page
    with translation.override("en"):
        stored = [audit.sentence(entry, by=True) for entry in LogEntry.objects.order_by("pk")]
    assert stored == [
        f"Requested run {run.pk} (full): News. [root (page, 192.0.2.7)]",
        "Imported people.csv: 1 new, 1 changed, 1 deactivated, 1 unchanged, 1 rejected.",
        "Of old.",
    ]
