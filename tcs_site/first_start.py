"""What makes a clone usable: the tables, a directory to look at, somebody who may sign in, a first version.

Each step looks by itself whether it is needed, so a start that was interrupted is taken up where it stopped.
"""

from __future__ import annotations

import secrets

from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from experts.models import Expert
from experts.samples import generator
from indexing.models import RebuildRun

SAMPLES = 1_500
USERNAME = "admin"


def migrations_pending() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def load_samples() -> int:
    """Fictional experts for a directory that is empty and never was used; returns how many."""
    if Expert.objects.exists() or RebuildRun.objects.exists():
        return 0
    return generator.load_samples(SAMPLES)


def create_administrator(password: str) -> str | None:
    """A first user, where there is none, with `password` or a random one; the random one is returned, this once."""
    if User.objects.exists():
        return None
    chosen = password or secrets.token_urlsafe(12)
    User.objects.create_superuser(USERNAME, password=chosen)
    return None if password else chosen


def first_version_needed() -> bool:
    """Nobody ever asked for a run, and there is somebody to find."""
    return not RebuildRun.objects.exists() and Expert.objects.active().exists()
