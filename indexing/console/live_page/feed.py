"""What was sent to one open tab, and what to send next.

The tab says where its log ends when it connects, and again on every reconnect; from there the feed follows the log by
cursor. Fragments are sent whole, and only when they differ from what was sent last.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from functools import partial

from django.template.loader import render_to_string
from django.utils import timezone, translation

from indexing.console.access import Rights
from indexing.console.live_page import fragments, header
from indexing.console.live_page.watcher import TableState, Watcher
from indexing.console.runs import log_pages, presentation
from indexing.models import RebuildRun, RunLogLine
from indexing.runlog.line_filter import LineFilter

BATCH = 200
"""Log lines in one message. The next message is sent when the tab has shown this one."""
BATCH_CHARACTERS = 256 * 1024


@dataclass(frozen=True, slots=True)
class Tab:
    """What a tab shows: the index page (at a page of its history), one run, or another page of the admin."""

    run: int | None
    history_page: int
    language: str
    time_zone: tzinfo | None = None
    """The reader's time zone; None for that of the installation."""
    header_only: bool = False
    """another page of the admin, which shows the active run in its header"""
    wanted: LineFilter = LineFilter()
    """Which lines of the log the tab shows."""


class Feed:
    def __init__(self, tab: Tab, watcher: Watcher, *, run: int, after: int, shown: int = 0) -> None:
        """`run` and `after`: the cursor, the last log line that the tab has (0, 0 if it has none).

        `shown`: the run that its header shows as active, 0 for none. When it ends, the tab gets a notice.
        """
        self.tab = tab
        self.run = run
        self.after = after
        self.shown = shown
        self.more = False
        """Not all log lines were in the last message: request the next one."""
        self._watcher = watcher
        self._sent: dict[str, str] = {}

    def next_message(self, state: TableState, rights: Rights) -> str:
        """HTML that htmx swaps in out of band; empty if the tab has everything. Reads the database."""
        with translation.override(self.tab.language), timezone.override(self.tab.time_zone):
            parts = self._changed_fragments(state, rights)
            return "".join(parts if self.tab.header_only else [*parts, self._next_lines(state)])

    def _changed_fragments(self, state: TableState, rights: Rights) -> list[str]:
        rendered = self._header(state)
        if not self.tab.header_only:
            rendered |= self._watcher.render_once(
                ("fragments", state.turn, rights, self.tab), lambda: self._render_fragments(rights)
            )
        changed = {target: html for target, html in rendered.items() if self._sent.get(target) != html}
        self._sent |= changed
        return [fragments.out_of_band(target, html) for target, html in changed.items()]

    def _header(self, state: TableState) -> dict[str, str]:
        """The header's fragments as HTML by element id, rendered once for all tabs of a language."""
        key = (state.turn, self.tab.language)
        number, html = self._watcher.render_once(("header", *key), header.as_shown)
        changed = {"header-run": html}
        if self.shown and self.shown != number:
            ended = self._watcher.render_once(("ended", self.shown, *key), partial(header.how_it_ended, self.shown))
            changed["run-notice"] = ended
        self.shown = number
        return changed

    def _render_fragments(self, rights: Rights) -> dict[str, str]:
        if self.tab.run is None:
            context = presentation.index_context(rights, self.tab.history_page)
            return fragments.render(fragments.INDEX, context)
        run = RebuildRun.objects.select_related("version").get(pk=self.tab.run)
        return fragments.render(fragments.RUN, presentation.run_context(run, rights))

    def _next_lines(self, state: TableState) -> str:
        followed = self.tab.run or state.run
        if followed != self.run:
            return self._whole_log(followed)
        if not followed or (state.run == followed and state.last <= self.after):
            self.more = False
            return ""
        html, last, self.more = self._watcher.render_once(
            ("lines", followed, self.after, state.last, self.tab.language, self.tab.time_zone, self.tab.wanted),
            lambda: _lines(followed, self.after, state.last if state.run == followed else 0, self.tab.wanted),
        )
        self.after = last
        return html and fragments.out_of_band(f"log-lines-{followed}", html, "beforeend", "ol")

    def _whole_log(self, run_id: int) -> str:
        """The last lines of the new run's log, for a tab that shows an older run or none."""
        run = RebuildRun.objects.get(pk=run_id)
        log = log_pages.last_lines(run_id, self.tab.wanted)
        self.run, self.after, self.more = run_id, log.last, False
        context = {"run": run, "log": log, "wanted": self.tab.wanted}
        return "".join(
            fragments.out_of_band(target, render_to_string(template, context))
            for target, template in fragments.LOG.items()
        )


def _lines(run_id: int, after: int, known: int, wanted: LineFilter) -> tuple[str, int, bool]:
    """The wanted lines after `after` as HTML, the number of the last scanned line, and whether there may be more.

    `known`: the number of the last line that is known to be stored. When no more lines match, everything up to it
    has been scanned, so it becomes the cursor.
    """
    read = list(wanted.among(RunLogLine.objects.filter(run_id=run_id, seq__gt=after)).order_by("seq")[:BATCH])
    lines: list[RunLogLine] = []
    characters = 0
    for line in read:
        characters += len(line.message)
        if lines and characters > BATCH_CHARACTERS:
            break
        lines.append(line)
    html = render_to_string("indexing/runs/_log_lines.html", {"lines": lines, "wanted": wanted}) if lines else ""
    last = lines[-1].seq if lines else after
    more = len(lines) < len(read) or len(read) == BATCH
    return html, last if more else max(last, known), more
