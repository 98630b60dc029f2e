"""What a run does with the bucket: before it builds, and once its version is verified. Without one, nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_noop

from indexing.errors import BucketUnavailable, Refused
from indexing.lib.messages import message
from indexing.models import IndexVersion
from indexing.versions.bucket.names import VERSIONS, number_of
from indexing.versions.bucket.store import bucket, is_used
from indexing.versions.bucket.sweep import delete_damaged, require_writable, sweep
from indexing.versions.bucket.upload import has_manifest, upload, upload_what_is_missing

logger = logging.getLogger(__name__)


def highest_number() -> int:
    """The highest number of a version in the bucket; 0 without any, without a bucket, and while it is away.

    After a restore the database may know fewer versions than the bucket holds.
    """
    if not is_used():
        return 0
    try:
        return max((number_of(each.name) for each in bucket().list(VERSIONS)), default=0)
    except BucketUnavailable:  # the run itself will say so
        return 0


def prepare(check: Callable[[], None]) -> None:
    """Check that the bucket can be written, put the versions into it that it lacks, and delete what is not needed.

    A run calls it before it encodes anything. Raises BucketUnavailable, what `check` raises to stop, and what
    `upload` raises.
    """
    if is_used():
        require_writable()
        delete_damaged()
        upload_what_is_missing(check)
        sweep()


def require_kept(version: IndexVersion) -> None:
    """Check that the version is in the bucket before it goes live. Raises Refused.

    While the bucket is away it counts as there: a version was uploaded before it was held or kept.
    """
    if not is_used():
        return
    try:
        found = has_manifest(version)
    except BucketUnavailable as error:
        logger.warning("%s", error)
        return
    if not found:
        raise Refused(
            message(
                "Version %(number)s is not in %(url)s, so other machines could not use it. Rebuild the index: the "
                "run uploads what is missing.",
                number=version.number,
                url=settings.TCS_VERSIONS_URL,
            )
        )


def keep(folder: Path, sha256: str, check: Callable[[], None]) -> None:
    """Put a verified version into the bucket: before that, it can be neither published nor held.

    Waits up to two minutes for a bucket that is away. Raises as `upload`.
    """
    if not is_used():
        return
    uploaded = upload(folder, sha256, check)
    if uploaded.sent:
        logger.info(
            message(
                "Uploaded %(sent)d of %(files)d files to %(url)s, %(mb).1f MB; it has the others already.",
                sent=uploaded.sent,
                files=uploaded.files,
                mb=uploaded.bytes / 1e6,
                url=settings.TCS_VERSIONS_URL,
            )
        )
    else:
        logger.info(gettext_noop("The bucket has all files of this version already."))
