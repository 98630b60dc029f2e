"""The sentence for those who have to wait."""

from __future__ import annotations

import math

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

IN_MINUTES_FROM = 120


def wait_text(seconds: int) -> str:
    """For example: Too many failed attempts. Try again in 40 seconds."""
    return _("Too many failed attempts. Try again in %(time)s.") % {"time": duration_text(seconds)}


def duration_text(seconds: int) -> str:
    """ "40 seconds", "3 minutes": rounded up."""
    if seconds < IN_MINUTES_FROM:
        return ngettext("%s second", "%s seconds", seconds) % seconds
    minutes = math.ceil(seconds / 60)
    return ngettext("%s minute", "%s minutes", minutes) % minutes
