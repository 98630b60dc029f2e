"""The parts of a page that its socket replaces, and how they are sent.

Each part is an element with an id, whose content is a template of its own: the page includes the template, and the
socket sends what it renders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string

INDEX = {
    "announcement": "indexing/shared/_announcement.html",
    "alarm": "indexing/runs/_alarm.html",
    "hidden-experts": "indexing/runs/_hidden_experts.html",
    "schedule-pause": "indexing/versions/_schedule_pause.html",
    "run-status": "indexing/runs/_run_status.html",
    "actions": "indexing/runs/_actions.html",
    "drift": "indexing/drift/_drift.html",
    "held-version": "indexing/versions/_held_version.html",
    "live-version": "indexing/runs/_live_version.html",
    "stages": "indexing/runs/_stages.html",
    "plan": "indexing/drift/_plan_ask.html",
    "history": "indexing/runs/_history.html",
}
RUN = {
    "announcement": "indexing/shared/_announcement.html",
    "run-status": "indexing/runs/_run_status.html",
    "actions": "indexing/runs/_run_actions.html",
    "run-outcome": "indexing/runs/_run_outcome.html",
    "run-facts": "indexing/runs/_run_facts.html",
    "run-comparison": "indexing/runs/_run_comparison.html",
    "gate": "indexing/versions/_gate.html",
    "stages": "indexing/runs/_stages.html",
}
LOG = {"log-head": "indexing/runs/_log_head.html", "log-view": "indexing/runs/_log_view.html"}
"""Id of the element in the page -> the template of what it holds."""


def render(templates: Mapping[str, str], context: dict[str, Any]) -> dict[str, str]:
    """Id of the element -> its content as HTML."""
    return {target: render_to_string(template, context).strip() for target, template in templates.items()}


def out_of_band(target: str, html: str, how: str = "innerHTML", wrapper: str = "div") -> str:
    """`html`, which is rendered and so escaped already, wrapped for htmx to put into the element with id `target`."""
    return f'<{wrapper} hx-swap-oob="{how}:#{target}">{html}</{wrapper}>'
