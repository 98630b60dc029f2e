"""Why somebody did something, as it is kept. It stands in the middle of sentences: nothing in it may act on them."""

from __future__ import annotations

from experts.safe_text import visible, without_bidi_controls
from indexing.errors import Refused
from indexing.lib.messages import message

MAX_REASON = 2_000


def required(reason: str) -> str:
    """The reason as it is kept. Raises Refused without one, or when it is too long."""
    kept = optional(reason)
    if not kept:
        raise Refused(message("Say why: the reason is kept with the version."))
    return kept


def optional(reason: str) -> str:
    """The same where none need be given. Raises Refused when it is too long."""
    kept = visible(without_bidi_controls(reason)).strip()
    if len(kept) > MAX_REASON:
        raise Refused(message("Say why in at most %(limit)s characters.", limit=MAX_REASON))
    return kept
