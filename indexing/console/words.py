"""Figures and states as the pages say them."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from experts import iso_codes
from indexing.lib.translation import translated
from indexing.models import RebuildRun
from indexing.runs import estimates


def duration(seconds: float | None) -> str:
    """0.4 s, 12 s, 3 min 05 s, 1 h 02 min; empty for None. Rounded first: `number_format` alone truncates."""
    if seconds is None:
        return ""
    if seconds < 10:
        return _("%(seconds)s s") % {"seconds": number_format(round(seconds, 1), 1)}
    whole = round(seconds)
    if whole < 60:
        return _("%(seconds)d s") % {"seconds": whole}
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return _("%(minutes)d min %(seconds)02d s") % {"minutes": minutes, "seconds": rest}
    hours, minutes = divmod(minutes, 60)
    return _("%(hours)d h %(minutes)02d min") % {"hours": hours, "minutes": minutes}


def time_left(seconds: float | None) -> str:
    """An estimated number of seconds, as `estimates.in_words` rounds it."""
    if seconds is None:
        return _("no estimate yet")
    return translated(estimates.in_words(seconds))


def rate(items_per_second: float | None) -> str:
    """Items per second; empty for None and 0."""
    if not items_per_second:
        return ""
    decimals = 0 if items_per_second >= 10 else 1
    return _("%(rate)s/s") % {"rate": number_format(items_per_second, decimals, force_grouping=True)}


def percent(share: float | None) -> str:
    """A share from 0 to 1 in whole percent; a dash for None."""
    return _("%(percent)d %%") % {"percent": round(share * 100)} if share is not None else "–"


def points(change: float) -> str:
    """A change of a share, -1 to 1, in percentage points with its sign."""
    rounded = round(change * 100, 1) or 0.0  # never a negative nought
    return f"{'+' if rounded > 0 else '−' if rounded < 0 else '±'}{number_format(abs(rounded), 1)}"


def initials(name: str) -> str:
    """The first letters of the first and the last word. Of “Ann Lee (Annie)” the last is “Lee”."""
    words = [word for word in name.split() if word[0].isalnum()] or name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def count(number: int | None) -> str:
    """The number with thousands separators; a dash for None."""
    return "–" if number is None else str(intcomma(number))


def filter_value(value: str, parameter: str) -> str:
    """A value of a search's filter in the reader's words: the names of countries and languages for their codes."""
    if parameter == "country":
        return iso_codes.country_name(value)
    return iso_codes.language_name(value) if parameter == "language" else value


def run_state(run: RebuildRun | None) -> str:
    """The state of a run; without a run the index was never built."""
    return run.get_state_display() if run else _("never built")


def lasted(run: RebuildRun) -> str:
    """How long an ended run took; a dash for one that is active or never started."""
    return duration(run.seconds) if run.finished_at and run.started_at else "–"


def chart_value(value: float | None, unit: str) -> str:
    """A figure of a chart, in "seconds" or as a "count"; a dash for None."""
    if value is None:
        return "–"
    return duration(value) if unit == "seconds" else str(intcomma(value))


def background_work(names: Iterable[str]) -> str:
    """What the background threads of these names do, as a list."""
    known = {
        "live": _("changing over to new versions, and noticing crashed runs"),
        "model": _("loading the model"),
        "notifications": _("sending notifications"),
        "pages": _("keeping open pages up to date"),
        "retention": _("deleting what is older than the settings say"),
        "sampling": _("measuring drift"),
        "search-log": _("storing searches"),
    }
    return "; ".join(known.get(name, name) for name in names)
