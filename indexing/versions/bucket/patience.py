"""Waiting for a bucket that does not answer, instead of losing what was built."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from indexing.errors import BucketUnavailable
from indexing.lib import pulse
from indexing.lib.retrying import RETRY_FOR_SECONDS

logger = logging.getLogger(__name__)
T = TypeVar("T")


def patiently(work: Callable[[], T], check: Callable[[], None] = lambda: None) -> T:
    """Return what `work` returns, calling it again for up to two minutes while the bucket does not answer.

    `check` is called before each try and may raise, to end the wait. Raises BucketUnavailable when the time is up,
    and at once where waiting does not help, such as with wrong keys.
    """
    give_up, pause = time.monotonic() + RETRY_FOR_SECONDS, 0.1
    while True:
        check()
        try:
            return work()
        except BucketUnavailable as error:
            if not error.passes or time.monotonic() > give_up:
                raise
            logger.warning("%s", error)
        pulse.beat()
        time.sleep(pause)
        pause = min(pause * 2, 2.0)
