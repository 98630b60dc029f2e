"""What it means that a run did not publish a version, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from indexing.console import words
from indexing.console.searched_now import still_searching
from indexing.models import IndexVersion, RebuildRun

State = RebuildRun.State


@dataclass(frozen=True, slots=True)
class RunOutcome:
    heading: str
    effect: str
    """A sentence about what people can search now."""
    advice: str
    later: RebuildRun | None = None
    """a newer run, which makes any advice about this one pointless"""
    has_errors: bool = False
    """Whether the run's log has errors; the page then links to them."""
    can_be_decided: bool = False
    """Whether the run's version is waiting to be published or discarded."""


def outcome_of(run: RebuildRun, live: IndexVersion | None, later: RebuildRun | None) -> RunOutcome | None:
    """How the run ended; None if it is active or did what was requested."""
    if run.is_active or run.state == State.DONE:
        return None
    effect = _effect(run, live)
    if run.state == State.HELD:
        advice = _(
            "The report of the checks below says why. Somebody with the publish permission can publish or discard "
            "the version."
        )
        return RunOutcome(_("Needs approval"), effect, advice, can_be_decided=run.version_id is not None)
    heading = _("What this means")
    if later is not None:
        advice = _("A newer run has been started since; it is now: %(state)s.") % {"state": words.run_state(later)}
        return RunOutcome(heading, effect, advice, later=later)
    return RunOutcome(heading, effect, _advice(run), has_errors=run.state == State.FAILED)


def _effect(run: RebuildRun, live: IndexVersion | None) -> str:
    if live is None:
        effect = _("No version is live yet: experts cannot be found until a rebuild is done.")
    else:
        effect = still_searching(live)
    if run.kind == RebuildRun.Kind.TAGS:
        effect += " " + _("Tags that were already assigned stay.")
    return effect


def _advice(run: RebuildRun) -> str:
    if run.state == State.FAILED:
        return _(
            "How to fix it: correct the problem named above, then start again. Nothing needs cleaning up, and "
            "unchanged profiles are not processed again."
        )
    if run.state == State.CRASHED:
        return _(
            "What to do: start again. Nothing needs cleaning up. If it happens again, check whether the server has "
            "enough memory: the system stops processes that use too much."
        )
    return _("The work of this run was discarded. You can start again at any time.")
