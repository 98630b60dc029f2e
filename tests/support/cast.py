"""The cast of the tests: people with permissions, experts, runs."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission, User
from django.db import connection

from experts.models import Expert
from indexing import runs
from indexing.audit import Actor
from indexing.lib import processes
from indexing.models import RebuildRun
from indexing.serving import live
from indexing.snapshot.reader import Snapshot
from indexing.worker import execute
from tests.support.remembered import remembered

PASSWORD = "correct horse battery staple"

PROFESSIONS = (
    ("Tax adviser", "Advises small firms on value added tax, payroll and yearly accounts."),
    ("Welder", "Repairs steel bridges and ship hulls, underwater too."),
    ("Paediatric nurse", "Cares for premature infants in intensive care."),
    ("Marine biologist", "Counts porpoises and studies coral reefs."),
    ("Database engineer", "Tunes PostgreSQL and writes query planners."),
    ("Baker", "Bakes sourdough bread and teaches fermentation."),
    ("Patent lawyer", "Drafts claims for semiconductor inventions."),
    ("Beekeeper", "Keeps bees, breeds queens and sells honey."),
)


def staff(*permissions: str, username: str = "sam", superuser: bool = False) -> User:
    """A staff user with these permissions, named as `user.has_perm` names them: "indexing.view"."""
    user = User.objects.create_user(username, password=PASSWORD, is_staff=True, is_superuser=superuser)
    for name in permissions:
        app, _, codename = name.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def visitor(username: str = "vera") -> User:
    """Somebody who can sign in, but not to the admin."""
    return User.objects.create_user(username, password=PASSWORD)


def searcher(username: str = "sasha") -> User:
    """Somebody of the role *Searcher*, who is not staff."""
    user = visitor(username)
    user.groups.add(Group.objects.get(name="Searcher"))
    return user


def experts(count: int = 8) -> list[Expert]:
    """`count` active experts with different texts, usernames expert-001 on."""
    return [
        Expert.objects.create(
            username=f"expert-{number:03d}",
            first_name="Erin",
            last_name=f"Number{number:03d}",
            job_title=PROFESSIONS[number % len(PROFESSIONS)][0],
            bio=f"{PROFESSIONS[number % len(PROFESSIONS)][1]} Case {number}.",
            company=f"Company {number}",
            category="Finance" if number % 2 else "Craft",
        )
        for number in range(1, count + 1)
    ]


def command_actor(name: str = "operator") -> Actor:
    return Actor(name, RebuildRun.Via.COMMAND)


def rebuild(kind: str = "full") -> RebuildRun:
    """Request a run and be its worker; returns it ended.

    The worker's heartbeat has a connection of its own, which would wait for the lock of a test's transaction.
    """
    assert not connection.in_atomic_block, "mark the test django_db(transaction=True)"
    requested = runs.request(kind, command_actor())
    claimed = runs.claim(processes.me(), requested.pk)
    assert claimed is not None
    return execute.execute(claimed)


def published(count: int = 8) -> Snapshot:
    """A version of `count` new experts, live in the database and served by this process."""
    assert not connection.in_atomic_block, "mark the test django_db(transaction=True)"
    _published(count)
    return live.load_now()


@remembered
def _published(count: int) -> None:
    experts(count)
    _done()


def published_again() -> Snapshot:
    """Rebuild the directory as it is, and serve the new version here."""
    _done()
    return live.load_now()


def _done() -> None:
    run = rebuild()
    assert run.state == RebuildRun.State.DONE, run.error
