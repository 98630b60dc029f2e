"""Whether a rebuild is due, for cron and the like."""

from __future__ import annotations

import argparse

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from indexing import drift
from indexing.drift import status
from indexing.errors import NoIndexYet
from indexing.lib.translation import translated
from indexing.models import IndexState

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def due(max_drift: float | None, max_age: float | None) -> str:
    """Why a rebuild is due, as a sentence; empty if neither limit is exceeded.

    `max_drift` is a share of the live version's experts, `max_age` is in seconds; None means no limit.
    Raises SnapshotInvalid if the files of the live version cannot be read.
    """
    version = IndexState.read().live_version
    if version is None:
        return translated(NoIndexYet())
    age = (timezone.now() - version.created_at).total_seconds()
    if max_age is not None and age >= max_age:
        return _("Version %(number)s is %(hours).1f hours old.") % {"number": version.number, "hours": age / 3600}
    if max_drift is not None:
        found = drift.measure(status.baseline(version))
        if found.share >= max_drift:
            return ngettext(
                "%(count)s expert (%(share).1f %%) is new, changed or removed since version %(number)s.",
                "%(count)s experts (%(share).1f %%) are new, changed or removed since version %(number)s.",
                found.count,
            ) % {
                "count": found.count,
                "share": found.share * 100,
                "number": found.number,
            }
    return ""


def parse_share(text: str) -> float:
    """Parse `5%` or `0.05` for argparse, into a share: 0.05. Raises ArgumentTypeError."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share: use 5% or 0.05")
    return value


def parse_seconds(text: str) -> float:
    """Parse `90s`, `30m`, `24h` or `7d` for argparse, into seconds. Raises ArgumentTypeError."""
    try:
        value = float(text[:-1]) * UNITS[text[-1:]]
    except (ValueError, KeyError):
        value = -1.0
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration: use 90s, 30m, 24h or 7d")
    return value
