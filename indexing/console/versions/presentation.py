"""Versions as the pages show them: the list, one of them, and the candidate that waits for a decision."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator

from indexing.console.access import PUBLISH
from indexing.console.versions import gate_report
from indexing.console.versions.gate_report import GateReport
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.versions.pinning import PINNABLE
from indexing.versions.sweep import SweepForecast

VERSIONS_PAGE = 20
NAMED = 5
"""How many of those who may publish are named."""
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
State = IndexVersion.State


@dataclass(frozen=True, slots=True)
class Candidate:
    """A held version, and what keeps whom from publishing it."""

    version: IndexVersion
    run: RebuildRun | None
    gate: GateReport | None
    outdated_by: int | None
    """a newer version is live: this one can only be discarded"""
    another_than: str
    """who asked for it, where another person must publish it; else empty"""
    publishers: tuple[str, ...]
    """usernames of those who may decide, the first of them"""
    others: int
    """held versions besides this one"""

    def needs_another_than(self, username: str) -> bool:
        return bool(self.another_than) and self.another_than == username


@dataclass(frozen=True, slots=True)
class VersionRow:
    version: IndexVersion
    run: RebuildRun | None
    goes_after_next_run: bool
    goes_with_next_version: bool
    """it will be removed once another version is published"""
    can_be_pinned: bool
    can_be_restored: bool


def candidate(state: IndexState) -> Candidate | None:
    """The newest held version."""
    held = list(IndexVersion.objects.filter(state=State.HELD).select_related("run").order_by("-number")[:1])
    return candidate_of(held[0], state) if held else None


def candidate_of(version: IndexVersion, state: IndexState) -> Candidate:
    run = run_of(version)
    live = state.live_version_id
    return Candidate(
        version=version,
        run=run,
        gate=gate_report.of(run, at_a_glance=True),
        outdated_by=live if live and live > version.number else None,
        another_than=run.requested_name if run and settings.TCS_APPROVE == "always" else "",
        publishers=publishers(),
        others=IndexVersion.objects.filter(state=State.HELD).exclude(pk=version.pk).count(),
    )


def publishers() -> tuple[str, ...]:
    """Some of the staff who may publish, in alphabetical order."""
    may: list[str] = list(
        User.objects.with_perm(PUBLISH, backend=MODEL_BACKEND)
        .filter(is_staff=True)
        .order_by("username")
        .values_list("username", flat=True)[:NAMED]
    )
    return tuple(may)


def versions(forecast: SweepForecast, page: int | str = 1) -> tuple[Page[IndexVersion], list[VersionRow]]:
    found = IndexVersion.objects.select_related("run").prefetch_related("publications").order_by("-number")
    shown: Page[IndexVersion] = Paginator(found, VERSIONS_PAGE).get_page(page)
    return shown, [row(each, forecast) for each in shown]


def row(version: IndexVersion, forecast: SweepForecast) -> VersionRow:
    return VersionRow(
        version=version,
        run=run_of(version),
        goes_after_next_run=version.number in forecast.after_next_run,
        goes_with_next_version=version.number in forecast.with_next_version,
        can_be_pinned=version.state in PINNABLE and version.pinned_at is None,
        can_be_restored=version.state == State.RETIRED,
    )


def run_of(version: IndexVersion) -> RebuildRun | None:
    """The run that built it: none where its row is gone."""
    run: RebuildRun | None = getattr(version, "run", None)
    return run
