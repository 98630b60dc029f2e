"""The real settings, for a process whose clock goes `TCS_TEST_CLOCK_SHIFT` seconds before the others' (or behind)."""

import os
from datetime import datetime, timedelta

from django.utils import timezone

_shift = timedelta(seconds=float(os.environ["TCS_TEST_CLOCK_SHIFT"]))
_now = timezone.now


def _shifted() -> datetime:
    return _now() + _shift


timezone.now = _shifted

from tcs_site.settings import *  # noqa: E402, F403
