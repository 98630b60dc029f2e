"""The doorbell tells other processes that the tables have changed. It carries no data, so a lost ring loses nothing.

Without Redis a ring cannot leave the process, so those who wait also read the tables from time to time
(`console.live_page.watcher`); with Redis they read them less often, and at once after a ring.
"""

from __future__ import annotations

import logging

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

GROUP = "index"
MESSAGE = {"type": "index.changed"}


class Doorbell:
    """Says when it stops ringing and when it rings again, not at every ring: a build rings several times a second."""

    def __init__(self) -> None:
        self._rings = True

    def ring(self) -> None:
        """Tell every process that a run, its log or the live version has changed. Never raises."""
        if not settings.REDIS_URL:
            return
        try:
            async_to_sync(get_channel_layer().group_send)(GROUP, MESSAGE)
        except (RedisError, OSError) as error:
            if self._rings:
                logger.warning("The doorbell does not ring (%s); open pages update a moment later.", error)
            self._rings = False
        else:
            if not self._rings:
                logger.info("The doorbell rings again.")
            self._rings = True


ring = Doorbell().ring
