"""How far the live version has drifted, as shown everywhere: pages, API, commands, Prometheus.

Measuring reads the whole directory, so each process keeps its last measurement. It is valid for LIFE_SECONDS, and at
least for twenty times as long as it took, so that measuring takes a twentieth of a processor at most. A cheap query,
at most once a second, notices the usual edits (by pages, import or API), after which drift is measured again at once.
What is shown includes the time of the measurement.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db.models import Count, Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experts.models import Expert, ExpertTag
from indexing.drift.measurement import Drift, measure
from indexing.errors import NoIndexYet, SnapshotInvalid
from indexing.lib import paths
from indexing.lib.process_state import ProcessState
from indexing.lib.translation import translated
from indexing.models import IndexState, IndexVersion, Synonym
from indexing.serving import live
from indexing.snapshot.baseline import Baseline
from indexing.snapshot.keyword_index import ANALYSIS, read_analysis
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.synonyms import Synonyms
from indexing.snapshot.version_files import unreadable
from indexing.snapshot.writer import KEYWORDS
from indexing.versions.opening import open_baseline

Grade = Literal["never", "current", "drifting", "stale", "unknown"]
GRADES: tuple[Grade, ...] = ("never", "current", "drifting", "stale", "unknown")

LIFE_SECONDS = 30.0
SHARE_OF_TIME = 20
PROBE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class DriftLimits:
    """The settings of the same names (TCS_DRIFT_...). Shares are of the version's experts."""

    current: float
    current_days: float
    stale: float
    stale_days: float


@dataclass(frozen=True, slots=True)
class DriftStatus:
    grade: Grade
    version: IndexVersion | None
    """The live version."""
    drift: Drift | None
    """None if no version is live or its files cannot be read"""
    as_of: datetime | None
    problem: str = ""
    """why there is no drift, as a sentence"""
    synonyms: int = 0
    """that changed since the version was built"""

    @property
    def sentence(self) -> str:
        """23 new experts not searchable yet, 4 changed, 1 removed; built 3 days ago"""
        if self.version is None:
            return _("No version is live yet, so no expert can be found.")
        built = _("built %(ago)s") % {"ago": naturaltime(self.version.created_at)}
        return f"{self.problem.rstrip('.') or _what_drifted(self.drift, self.synonyms)}; {built}"

    def as_dict(self) -> dict[str, Any]:
        """The status as JSON data. Times are Unix seconds; figures are None if drift could not be measured."""
        found = self.drift
        return {
            "grade": self.grade,
            "sentence": self.sentence,
            "version": self.version.number if self.version else None,
            "built_at": self.version.created_at.timestamp() if self.version else None,
            "as_of": self.as_of.timestamp() if self.as_of else None,
            "count": found.count if found else None,
            "share": found.share if found else None,
            "added": len(found.added) if found else None,
            "changed": len(found.changed) if found else None,
            "removed": len(found.removed) if found else None,
            "fields": found.fields if found else None,
            "synonyms": self.synonyms if found else None,
        }


def limits() -> DriftLimits:
    return DriftLimits(
        settings.TCS_DRIFT_CURRENT,
        settings.TCS_DRIFT_CURRENT_DAYS,
        settings.TCS_DRIFT_STALE,
        settings.TCS_DRIFT_STALE_DAYS,
    )


def grade_drift(share: float, age: timedelta, limits: DriftLimits) -> Grade:
    """The grade of a live version of that age from which that share of experts has drifted."""
    days = age / timedelta(days=1)
    if share and share >= limits.stale or days >= limits.stale_days:
        return "stale"
    return "current" if share <= limits.current and days < limits.current_days else "drifting"


def latest() -> DriftStatus:
    """The drift of the live version now, or as measured seconds ago."""
    version = IndexState.read().live_version
    if version is None:
        return DriftStatus("never", None, None, None)
    try:
        measured = _last_measurement.get().for_version(version)
    except SnapshotInvalid as error:
        problem = _("Version %(number)s cannot be compared: %(why)s") % {
            "number": version.number,
            "why": translated(error),
        }
        return DriftStatus("unknown", version, None, timezone.now(), problem)
    found, as_of = measured.found, measured.as_of
    grade = grade_drift(found.share, as_of - version.created_at, limits())
    return DriftStatus(grade, version, found, as_of, synonyms=measured.synonyms)


def baseline(version: IndexVersion) -> Baseline:
    """The version's experts and their hashes, from memory if this process serves it. Raises SnapshotInvalid."""
    served = _served(version)
    return served.baseline if served else open_baseline(version)


def _served(version: IndexVersion) -> Snapshot | None:
    """The version, if this process serves it."""
    try:
        served = live.current()
    except NoIndexYet:
        return None
    return served if served.number == version.number else None


def forget() -> None:
    """Measure again the next time."""
    _last_measurement.forget()


@dataclass(frozen=True, slots=True)
class _Measured:
    found: Drift
    synonyms: int
    as_of: datetime
    until: float
    """monotonic seconds"""
    probe: tuple[object, ...]


class _LastMeasurement:
    """This process's last measurement. Threads that need it while it is taken wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: _Measured | None = None
        self._probed = 0.0

    def for_version(self, version: IndexVersion) -> _Measured:
        with self._lock:
            last = self._last
            if last is None or not self._is_valid(last, version):
                last = self._last = self._measure(version)
            return last

    def _is_valid(self, last: _Measured, version: IndexVersion) -> bool:
        now = time.monotonic()
        if last.found.number != version.number or now >= last.until:
            return False
        if now - self._probed < PROBE_SECONDS:
            return True
        self._probed = now
        return _probe() == last.probe

    def _measure(self, version: IndexVersion) -> _Measured:
        probe = _probe()  # first, so that changes during the measurement are noticed next time
        as_of, began = timezone.now(), time.monotonic()
        found, synonyms = measure(baseline(version)), _changed_synonyms(version)
        self._probed = time.monotonic()
        took = self._probed - began
        return _Measured(found, synonyms, as_of, self._probed + max(LIFE_SECONDS, SHARE_OF_TIME * took), probe)


_last_measurement = ProcessState(_LastMeasurement)


def _probe() -> tuple[object, ...]:
    """Figures that nearly every edit changes; takes milliseconds."""
    experts = Expert.objects.aggregate(last=Max("pk"), changed=Max("updated_at"))
    tags = ExpertTag.objects.filter(source=ExpertTag.Source.MANUAL).aggregate(count=Count("pk"), last=Max("pk"))
    synonyms = Synonym.objects.aggregate(count=Count("pk"), changed=Max("changed_at"))
    return (Expert.objects.active().count(), *experts.values(), *tags.values(), *synonyms.values())


def _changed_synonyms(version: IndexVersion) -> int:
    """How many synonyms differ from those that the version was built with. Raises SnapshotInvalid."""
    served = _served(version)
    path = paths.version_folder(version.number) / KEYWORDS / ANALYSIS
    try:
        built_with = (served.keywords.analysis if served else read_analysis(path)).synonyms
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    return Synonyms(Synonym.objects.entries()).changed_from(built_with)


def _what_drifted(found: Drift | None, synonyms: int) -> str:
    if found is None or not (found.count or synonyms):
        return _("Up to date")
    added, changed, removed = len(found.added), len(found.changed), len(found.removed)
    new = ngettext("%(count)s new expert not searchable yet", "%(count)s new experts not searchable yet", added)
    other = ngettext("%(count)s synonym changed", "%(count)s synonyms changed", synonyms)
    parts = (
        (added, new),
        (changed, _("%(count)s changed")),
        (removed, _("%(count)s removed")),
        (synonyms, other),
    )
    return ", ".join(words % {"count": f"{count:,}"} for count, words in parts if count)
