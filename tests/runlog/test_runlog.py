"""The log is a table that anybody follows by cursor."""

from __future__ import annotations

import logging
import threading

import pytest
from django.db import connection

from indexing import runlog, runs
from tests.support import cast

pytestmark = pytest.mark.services


@pytest.fixture
def run():
    return runs.request("full", cast.command_actor())


@pytest.mark.django_db
def test_lines_are_numbered_from_one_without_a_gap(run):
    for number in range(5):
        runlog.append(run.pk, f"line {number}")
    assert [line.seq for line in runlog.lines_after(run.pk)] == [1, 2, 3, 4, 5, 6]


@pytest.mark.django_db
def test_a_reader_goes_on_after_its_cursor(run):
    for number in range(5):
        runlog.append(run.pk, f"line {number}")
    assert [line.message for line in runlog.lines_after(run.pk, after=4)] == ["line 3", "line 4"]
    assert [line.message for line in runlog.lines_after(run.pk, after=1, limit=2)] == ["line 0", "line 1"]
    assert [line.message for line in runlog.last_lines(run.pk, 2)] == ["line 3", "line 4"]


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_leave_no_gap_and_no_repeat(run):
    def write(name: str) -> None:
        for number in range(20):
            runlog.append(run.pk, f"{name} {number}")
        connection.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = runlog.lines_after(run.pk)
    assert [line.seq for line in lines] == list(range(1, 82))
    assert len({line.message for line in lines}) == 81


@pytest.mark.django_db
def test_the_tail_is_whole_lines_within_its_bytes(run):
    for number in range(100):
        runlog.append(run.pk, f"número {number} " + "é" * 20)
    tail = runlog.tail(run.pk, 1000)
    assert len(tail.encode()) <= 1000
    assert tail.endswith("é\n")
    assert "número 99" in tail
    assert "número 0 " not in tail
    assert all(line[:2] == "20" for line in tail.splitlines())


@pytest.mark.django_db
def test_the_whole_log_is_text_in_order(run, monkeypatch):
    monkeypatch.setattr("indexing.runlog.lines.CHUNK", 3)
    for number in range(10):
        runlog.append(run.pk, f"line {number}")
    text = "".join(runlog.as_file(run.pk))
    assert [row.rsplit(" ", 1)[1] for row in text.splitlines()[1:]] == [str(number) for number in range(10)]


@pytest.mark.django_db
def test_a_line_that_is_too_long_is_cut_and_says_so(run):
    runlog.append(run.pk, "x" * 1_000_000)
    message = runlog.lines_after(run.pk)[-1].message
    assert len(message) < runlog.MAX_MESSAGE + 50
    assert message.endswith("more characters)")


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["nul \0 byte", "lone \ud800 surrogate", "ansi \x1b[31m", "rtl \u202e mark"])
def test_odd_characters_are_stored(run, text):
    runlog.append(run.pk, text)
    assert runlog.lines_after(run.pk)[-1].message.startswith(text.split()[0])


@pytest.mark.django_db(transaction=True)
def test_standard_logging_reaches_the_run_with_its_traceback(run):
    handler = runlog.RunLogHandler(run.pk)
    handler.stage = "embed"
    logger = logging.getLogger("indexing.test_runlog")
    logger.addHandler(handler)
    try:
        logger.info("Encoded %d texts", 12)
        try:
            raise ValueError("no good")
        except ValueError:
            logger.exception("It failed")
    finally:
        logger.removeHandler(handler)
        handler.close()
    first, second = runlog.lines_after(run.pk)[-2:]
    assert (first.level, first.stage, first.message) == ("info", "embed", "Encoded 12 texts")
    assert second.level == "error"
    assert "Traceback" in second.message
    assert "ValueError: no good" in second.message
