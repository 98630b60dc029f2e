"""Searching a run's log: on the server, over all lines, in the address, marked, and also while it grows."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from indexing import runlog
from indexing.models import RebuildRun, RunLogLine
from indexing.runlog.line_filter import MAX_TEXT, LineFilter
from tests.support import cast
from tests.support.socket_cast import in_database, running, tab

LINES = (
    ("info", "Encoded batch 1 of 3"),
    ("warning", "The disk has 100 % less room: batch_2"),
    ("info", "Encoded batch 3 of 3"),
    ("error", "Batch 3 <failed>"),
)


def run_with(*lines: tuple[str, str], state: str = "done") -> RebuildRun:
    now = timezone.now()
    run = RebuildRun.objects.create(state=state, started_at=now, finished_at=now)
    write(run, *lines)
    return run


def write(run: RebuildRun, *lines: tuple[str, str]) -> None:
    runlog.write(run.pk, [runlog.Line(timezone.now(), level, "embed", message) for level, message in lines])


def seqs(html: str) -> list[int]:
    return [int(seq) for seq in re.findall(r'data-seq="(\d+)"', html)]


class TestLineFilter:
    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("level", "text", "found"),
        [
            ("", "", [1, 2, 3, 4]),
            ("", "BATCH 3", [3, 4]),
            ("warning", "", [2, 4]),
            ("error", "batch", [4]),
            ("", "100 %", [2]),  # no wildcard
            ("", "batch_", [2]),
            ("", "nowhere", []),
            ("nonsense", "", [1, 2, 3, 4]),
        ],
    )
    def test_which_lines(self, level, text, found):
        run = run_with(*LINES)
        wanted = LineFilter.from_query(level, text)
        assert list(wanted.among(run.lines.all()).values_list("seq", flat=True)) == found

    def test_what_is_found_is_marked_and_all_of_it_escaped(self):
        marked = LineFilter.from_query("", "<b>").marked("a <b> in <B> and <i>")
        assert marked == "a <mark>&lt;b&gt;</mark> in <mark>&lt;B&gt;</mark> and &lt;i&gt;"
        assert LineFilter.from_query("", "a.c").marked("abc a.c") == "abc <mark>a.c</mark>"
        assert LineFilter.from_query("error", "").marked("<i>") == "&lt;i&gt;"

    def test_any_address_makes_sense(self):
        wanted = LineFilter.from_query("warning", "\0 \u202ea&b= " + "x" * 1_000)
        assert len(wanted.text) == MAX_TEXT
        assert wanted.query.startswith("level=warning&q=a%26b%3D+xxx")
        assert not LineFilter.from_query("debug", " \0 ")
        assert LineFilter().query == ""


@pytest.mark.django_db
class TestPage:
    @pytest.fixture
    def viewer(self, client):
        client.force_login(cast.staff("indexing.view"))
        return client

    def page(self, client, run: RebuildRun, **query: object) -> str:
        return client.get(f"/admin/index/runs/{run.pk}/", query).content.decode()

    def test_the_lines_found_are_shown_marked_and_counted(self, viewer):
        page = self.page(viewer, run_with(*LINES), q="batch 3")
        assert seqs(page) == [3, 4]
        assert "<mark>Batch 3</mark> &lt;failed&gt;" in page
        assert "2 lines found" in page
        assert re.search(r'name="q"[^>]* value="batch 3"', page)

    def test_level_and_text_stay_together_over_the_pages(self, viewer):
        run = run_with(*[("error", f"batch {number}") for number in range(1_200)])
        page = self.page(viewer, run, q="batch", level="error")
        assert 'href="?after=1000&amp;level=error&amp;q=batch#log"' in page
        assert seqs(self.page(viewer, run, q="batch", level="error", after=1000)) == list(range(1001, 1201))

    def test_nothing_found_says_what_to_do(self, viewer):
        page = self.page(viewer, run_with(*LINES), q="<nowhere>", level="error")
        assert "No lines match." in page

    def test_a_run_that_goes_on_stays_live_with_what_was_found(self, viewer):
        run = running()
        write(run, *LINES)
        page = self.page(viewer, run, q="batch 3", level="error")
        assert seqs(page) == [5]  # the first line is that of the request
        assert f"?run={run.pk}&amp;lang=en&amp;level=error&amp;q=batch+3" in page
        assert 'data-wanted="level=error&amp;q=batch+3"' in page

    def test_earlier_ones_that_were_found_are_counted(self, viewer):
        run = running()
        write(run, *[("info", f"{'even' if number % 2 else 'odd'} {number}") for number in range(2_100)])
        page = self.page(viewer, run, q="even")
        assert len(seqs(page)) == 1_000
        assert 'data-earlier="50"' in page
        assert "?after=0&amp;q=even" in page


@pytest.mark.django_db(transaction=True)
async def test_new_lines_arrive_live_only_as_far_as_they_are_wanted():
    viewer = await in_database(cast.staff)("indexing.view", username="vi")
    run = await in_database(running)()
    await in_database(write)(run, *LINES)
    async with tab(viewer, f"?run={run.pk}&q=b%C3%A4tch%20%3C3&level=warning") as it:
        await it.open(run.pk, 3)
        await in_database(write)(run, *[("info", f"line {n}") for n in range(500)], ("warning", "bätch <3 is there"))
        await it.until(lambda: bool(it.seqs))
        last = await in_database(RunLogLine.objects.filter(run=run).count)()
        assert it.seqs == [last]
        await in_database(write)(run, ("info", "bätch <3, not loud enough"), ("error", "another bätch <3"))
        await it.until(lambda: len(it.seqs) > 1)
        assert it.seqs == [last, last + 2]
