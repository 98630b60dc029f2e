"""Versions as the pages show them: the list, one of them, and the one that needs approval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from indexing.console import words
from indexing.console.access import PUBLISH
from indexing.console.versions import gate_report
from indexing.console.versions.gate_report import GateReport
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.versions.pinning import PINNABLE
from indexing.versions.sweep import SweepForecast

VERSIONS_PAGE = 20
NAMED = 5
"""How many usernames or files are named at most."""
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
State = IndexVersion.State


@dataclass(frozen=True, slots=True)
class HeldVersion:
    """A version that needs approval, what keeps it from being published, and who may publish it."""

    version: IndexVersion
    run: RebuildRun | None
    gate: GateReport | None
    outdated_by: int | None
    """the number of a newer version that is live: this one can only be discarded"""
    another_than: str
    """who requested it, where somebody else must publish it; otherwise empty"""
    publishers: tuple[str, ...]
    """usernames of the first few who may decide"""
    others: int
    """How many other versions are held."""

    @property
    def publisher_names(self) -> str:
        return ", ".join(self.publishers)

    def needs_another_than(self, username: str) -> bool:
        return bool(self.another_than) and self.another_than == username


@dataclass(frozen=True, slots=True)
class CompareLink:
    label: str
    query: str
    """The query string that says which versions are compared; empty for the page's own choice."""


@dataclass(frozen=True, slots=True)
class VersionRow:
    version: IndexVersion
    run: RebuildRun | None
    live_number: int | None
    removed_after_next_run: bool
    removed_with_next_version: bool
    """Whether the version will be deleted once another one is published."""

    @property
    def can_be_searched(self) -> bool:
        """Whether the version's files are on disk, so that it can also be compared."""
        return self.version.state in (State.LIVE, State.HELD, State.KEPT)

    @property
    def can_be_pinned(self) -> bool:
        return self.version.state in PINNABLE and self.version.pinned_at is None

    @property
    def can_be_unpinned(self) -> bool:
        return self.version.pinned_at is not None

    @property
    def can_be_restored(self) -> bool:
        return self.version.state == State.KEPT

    @property
    def has_map(self) -> bool:
        return self.version.map_state == IndexVersion.MapState.DONE and self.version.state != State.DELETED

    @property
    def comparison(self) -> CompareLink:
        """The link that compares the version with the live one, the older of the two first."""
        number, live = self.version.number, self.live_number
        if live is None or live == number:
            return CompareLink(_("Compare…"), "")
        query = f"?from={min(number, live)}&to={max(number, live)}"
        return CompareLink(_("Compare with the live version"), query)

    @property
    def sentence(self) -> str:
        """What its state means, and when its files will be deleted."""
        sentences = {
            State.LIVE: _("This is the live version."),
            State.HELD: _("It was built but is not published."),
            State.KEPT: _("Its files are kept, so it can be made live again."),
            State.DELETED: _("Its files were deleted. This record stays."),
            State.BUILDING: _("A run is building it."),
        }
        sentence = sentences[State(self.version.state)]
        if self.removed_after_next_run:
            return f"{sentence} {_('They will be deleted after the next run.')}"
        if self.removed_with_next_version:
            return f"{sentence} {_('They will be deleted when the next version is published.')}"
        return sentence


@dataclass(frozen=True, slots=True)
class CleanUpLine:
    sentence: str
    is_soon: bool = False


def newest_held(state: IndexState) -> HeldVersion | None:
    """The newest held version."""
    held = list(IndexVersion.objects.filter(state=State.HELD).select_related("run").order_by("-number")[:1])
    return held_version(held[0], state) if held else None


def held_version(version: IndexVersion, state: IndexState) -> HeldVersion:
    run = run_of(version)
    live = state.live_version_id
    return HeldVersion(
        version=version,
        run=run,
        gate=gate_report.report_of(run, at_a_glance=True),
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


def versions(
    forecast: SweepForecast, live_number: int | None, page: int | str = 1
) -> tuple[Page[IndexVersion], list[VersionRow]]:
    found = IndexVersion.objects.select_related("run").prefetch_related("publications").order_by("-number")
    shown: Page[IndexVersion] = Paginator(found, VERSIONS_PAGE).get_page(page)
    return shown, [row(each, forecast, live_number) for each in shown]


def row(version: IndexVersion, forecast: SweepForecast, live_number: int | None) -> VersionRow:
    return VersionRow(
        version=version,
        run=run_of(version),
        live_number=live_number,
        removed_after_next_run=version.number in forecast.after_next_run,
        removed_with_next_version=version.number in forecast.with_next_version,
    )


def clean_up(forecast: SweepForecast) -> tuple[CleanUpLine, ...]:
    """Which versions and files are kept, and which will be deleted when."""
    keep = ngettext(
        "We keep only the live version, plus pinned ones.",
        "We keep the %(keep)s most recent versions, plus pinned ones.",
        forecast.keep,
    )
    lines = [CleanUpLine(keep % {"keep": forecast.keep})]
    if forecast.after_next_run:
        soon = ngettext(
            "Version %(numbers)s will be deleted after the next run.",
            "Versions %(numbers)s will be deleted after the next run.",
            len(forecast.after_next_run),
        )
        lines.append(CleanUpLine(soon % {"numbers": _listed(forecast.after_next_run)}, is_soon=True))
    if forecast.with_next_version:
        later = ngettext(
            "Version %(numbers)s will be deleted when the next version is published.",
            "Versions %(numbers)s will be deleted when the next version is published.",
            len(forecast.with_next_version),
        )
        lines.append(CleanUpLine(later % {"numbers": _listed(forecast.with_next_version)}))
    else:
        lines.append(CleanUpLine(_("No version will be deleted when the next one is published.")))
    if forecast.pinned:
        pinned = ngettext(
            "Version %(numbers)s is pinned and stays.",
            "Versions %(numbers)s are pinned and stay.",
            len(forecast.pinned),
        )
        lines.append(CleanUpLine(pinned % {"numbers": _listed(forecast.pinned)}))
    return (*lines, *_files_on_disk(forecast))


def _files_on_disk(forecast: SweepForecast) -> Iterator[CleanUpLine]:
    """What lies on the disk and belongs to no version."""
    if forecast.leftovers:
        files = ngettext(
            "%(count)s unused item on disk will be deleted after the next run: %(names)s",
            "%(count)s unused items on disk will be deleted after the next run: %(names)s",
            len(forecast.leftovers),
        )
        yield CleanUpLine(files % _counted(forecast.leftovers))
    if forecast.foreign:
        files = ngettext(
            "%(count)s item on disk was not written by this installation and is never deleted: %(names)s",
            "%(count)s items on disk were not written by this installation and are never deleted: %(names)s",
            len(forecast.foreign),
        )
        yield CleanUpLine(files % _counted(forecast.foreign))


def _counted(names: Sequence[str]) -> dict[str, str]:
    listed = _listed(names[:NAMED]) + (", …" if len(names) > NAMED else "")
    return {"count": words.count(len(names)), "names": listed}


def _listed(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))


def run_of(version: IndexVersion) -> RebuildRun | None:
    """The run that built it; None if its row was deleted."""
    run: RebuildRun | None = getattr(version, "run", None)
    return run
