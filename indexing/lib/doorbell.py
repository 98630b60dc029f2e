"""The doorbell: "there is more in the tables". It carries nothing, so losing a ring loses nothing.

Without Redis a ring cannot leave the process, so whoever waits also looks at the tables by itself (see
`console.watch`); with Redis it saves them the looking.
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


def ring() -> None:
    """Tell every process that a run, its log or the live version changed. Never fails the caller."""
    if not settings.REDIS_URL:
        return
    try:
        async_to_sync(get_channel_layer().group_send)(GROUP, MESSAGE)
    except (RedisError, OSError) as error:
        logger.warning("The doorbell did not ring (%s); readers look by themselves.", error)
