"""What people search at the moment: the live version, without its experts who are hidden by now."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experts.models import ImportRecord
from indexing.console.words import count
from indexing.drift import status as drift_status
from indexing.drift.status import DriftStatus
from indexing.models import IndexVersion


@dataclass(frozen=True, slots=True)
class HiddenExperts:
    """Experts of the live version who are not found: they were deactivated or deleted since it was built."""

    version: IndexVersion
    hidden: int
    record: ImportRecord | None
    """The last import that deactivated experts, if it can still be undone."""


def still_searching(live: IndexVersion) -> str:
    """A sentence that says which version people search, and how many of its experts are hidden."""
    hidden = _hidden(drift_status.latest(), live)
    if not hidden:
        return _("People are still searching version %(number)s.") % {"number": live.number}
    sentence = ngettext(
        "People are still searching version %(number)s, but %(hidden)s of its %(experts)s experts is hidden: "
        "deactivated or deleted since it was built.",
        "People are still searching version %(number)s, but %(hidden)s of its %(experts)s experts are hidden: "
        "deactivated or deleted since it was built.",
        hidden,
    )
    return sentence % {"number": live.number, "hidden": count(hidden), "experts": count(live.expert_count)}


def many_hidden(now: DriftStatus) -> HiddenExperts | None:
    """The hidden experts if a rebuild would be held for lack of them (TCS_GATE_MAX_LOST); otherwise None."""
    live = now.version
    hidden = _hidden(now, live) if live else 0
    if live is None or not hidden or hidden <= settings.TCS_GATE_MAX_LOST * live.expert_count:
        return None
    return HiddenExperts(live, hidden, ImportRecord.objects.undoable().filter(deactivated__gt=0).first())


def _hidden(now: DriftStatus, live: IndexVersion) -> int:
    if now.drift is None or now.drift.number != live.number:
        return 0
    return len(now.drift.removed)
