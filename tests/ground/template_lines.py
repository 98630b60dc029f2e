"""Checks the lines of every template, as `make lint` does: none is too long, and none holds two conditions.

djade formats the tags themselves, but breaks no lines.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "templates"
LONGEST_LINE = 118
CONDITION = re.compile(r"\{% (?:el)?if\b")

NOT_DONE_YET: tuple[str, ...] = (
    "indexing/base.html",
    "indexing/header/_run.html",
    "indexing/header/_run_ended.html",
    "indexing/header/_shortcuts.html",
    "indexing/header/_shortcuts_button.html",
    "indexing/header/_tools.html",
    "indexing/runs/_actions.html",
    "indexing/runs/_alarm.html",
    "indexing/runs/_comparison_rows.html",
    "indexing/runs/_dialogs.html",
    "indexing/runs/_history.html",
    "indexing/runs/_live_version.html",
    "indexing/runs/_log.html",
    "indexing/runs/_log_filter.html",
    "indexing/runs/_log_head.html",
    "indexing/runs/_log_lines.html",
    "indexing/runs/_log_paged.html",
    "indexing/runs/_log_pages.html",
    "indexing/runs/_log_view.html",
    "indexing/runs/_rebuild_button.html",
    "indexing/runs/_rebuild_dialog.html",
    "indexing/runs/_run_actions.html",
    "indexing/runs/_run_comparison.html",
    "indexing/runs/_run_facts.html",
    "indexing/runs/_run_outcome.html",
    "indexing/runs/_run_status.html",
    "indexing/runs/_stage_bar.html",
    "indexing/runs/_stages.html",
    "indexing/runs/_start_words.html",
    "indexing/runs/_time_left.html",
    "indexing/runs/charts.html",
    "indexing/runs/confirm_cancel.html",
    "indexing/runs/confirm_start.html",
    "indexing/runs/index.html",
    "indexing/runs/run.html",
    "indexing/shared/_announcement.html",
    "indexing/shared/_badge.html",
    "indexing/shared/_badge_text.html",
    "indexing/shared/_chart.html",
    "indexing/shared/_chart_script.html",
    "indexing/shared/_chart_style.html",
    "indexing/shared/_field_changes.html",
    "indexing/shared/_htmx.html",
    "indexing/shared/_list_pages.html",
    "indexing/shared/_list_search.html",
    "indexing/shared/_page_frame.html",
    "indexing/shared/_problem.html",
    "indexing/shared/_reason.html",
    "indexing/shared/_why.html",
    "indexing/versions/_compare_form.html",
    "indexing/versions/_compare_people.html",
    "indexing/versions/_decision_dialogs.html",
    "indexing/versions/_gate_body.html",
    "indexing/versions/_gate_people.html",
    "indexing/versions/_held_actions.html",
    "indexing/versions/_held_version.html",
    "indexing/versions/_held_words.html",
    "indexing/versions/_moved_queries.html",
    "indexing/versions/_period.html",
    "indexing/versions/_schedule_hold.html",
    "indexing/versions/_sweep.html",
    "indexing/versions/_table.html",
    "indexing/versions/_version_badge.html",
    "indexing/versions/compare.html",
    "indexing/versions/confirm_discard.html",
    "indexing/versions/confirm_pin.html",
    "indexing/versions/confirm_publish.html",
    "indexing/versions/confirm_release.html",
    "indexing/versions/confirm_rollback.html",
    "indexing/versions/confirm_unpin.html",
    "indexing/versions/confirm_version.html",
    "indexing/versions/detail.html",
)
"""Templates that still break a rule; this list must shrink to nothing."""


def problems_of(template: str) -> Iterator[str]:
    """One sentence for each line of a template's text that breaks a rule."""
    for number, line in enumerate(template.splitlines(), start=1):
        if len(line) > LONGEST_LINE:
            yield f"line {number} has {len(line)} characters, at most {LONGEST_LINE} are allowed"
        if (conditions := len(CONDITION.findall(line))) > 1:
            yield f"line {number} has {conditions} conditions: put each {{% if %}} and {{% elif %}} on its own line"


def problems() -> dict[str, list[str]]:
    """Each template that breaks a rule, with what is wrong in it."""
    found = {str(path.relative_to(FOLDER)): list(problems_of(path.read_text())) for path in FOLDER.rglob("*.html")}
    return {name: wrong for name, wrong in sorted(found.items()) if wrong}


def main() -> int:
    wrong = problems()
    for name in sorted(set(wrong) - set(NOT_DONE_YET)):
        for problem in wrong[name]:
            print(f"templates/{name}: {problem}")
    clean = sorted(set(NOT_DONE_YET) - set(wrong))
    for name in clean:
        print(f"templates/{name} is clean: take it off NOT_DONE_YET in {__file__}")
    return int(bool(clean) or any(name not in NOT_DONE_YET for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
