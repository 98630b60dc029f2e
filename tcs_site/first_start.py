"""What a first start prepares: the tables, a sample directory, a user and a first version.

Each step looks by itself whether it is needed, so a start that was interrupted is taken up where it stopped.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from experts.models import Expert
from experts.samples import generator
from indexing import runs
from indexing.models import RebuildRun
from indexing.quality import synonyms
from tcs_site import first_password

SAMPLES = 1_500


def migrations_pending() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def load_samples() -> int:
    """Load fictional experts, and a few synonyms, into a directory that is empty and was never used.

    Returns how many experts.
    """
    if Expert.objects.exists() or RebuildRun.objects.exists():
        return 0
    synonyms.add_samples()
    return generator.load_samples(SAMPLES)


def create_administrator(password: str) -> str | None:
    """Create a first user if there is none. Without `password` it gets a random one, which is returned.

    The random one is stored before the user has it: see `first_password`. Raises OSError.
    """
    if User.objects.exists():
        return None
    chosen = password or first_password.choose()
    User.objects.create_superuser(first_password.USERNAME, password=chosen)
    return None if password else chosen


def first_version_needed() -> bool:
    """Whether there are experts to find and every run so far was cancelled or crashed."""
    runs.reap()  # its process may have been killed together with the last start
    interrupted = [RebuildRun.State.CANCELLED, RebuildRun.State.CRASHED]
    return not RebuildRun.objects.exclude(state__in=interrupted).exists() and Expert.objects.active().exists()
