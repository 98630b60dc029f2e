"""Prepare what is missing, then serve until stopped."""

from __future__ import annotations

import fcntl
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from experts.numbers import whole_number
from indexing.errors import WrongDatabase
from indexing.lib.private_files import make_private
from indexing.versions import data_folder
from tcs_site import database_release, first_password, first_start
from tcs_site import environment as env
from tcs_site.static_files import prepare
from tcs_site.supervising import (
    ProcessGroup,
    Stopped,
    can_listen,
    ignore_signals,
    listen,
    on_hangup,
    raise_on_signals,
)
from tcs_site.web_processes.counts import shared_counts
from tcs_site.web_processes.supervisor import NeverServed, Supervisor

LOCK = "serve.lock"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Command(BaseCommand):
    help = "Serve TCS. The first start prepares the database, a sample directory, a user and a first version."
    requires_system_checks = ()  # they import every page, which the server does anyway

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help="default: HOST, or 127.0.0.1")
        parser.add_argument("--port", default=settings.PORT, help="default: PORT, or 8000")
        parser.add_argument(
            "--adopt", action="store_true", help="use a data folder that belongs to another database from now on"
        )

    def handle(self, *, host: str, port: str, adopt: bool, **options: Any) -> None:
        """Serve until a signal. Exit codes: 0 stopped by a signal, 1 cannot start, 2 usage.

        Raises CommandError.
        """
        number = port_number(port)
        host = host.strip("[]")
        if error := can_listen(host, number):
            raise CommandError(
                f"Cannot listen on {host}:{number}: {error.strerror}. Is TCS running already? "
                "Another address: make run HOST=... PORT=..."
            )
        group = ProcessGroup()
        with shared_counts() as environment:
            try:
                raise_on_signals()
                with only_one_prepares(settings.DATA_DIR):
                    self.prepare(group, adopt)
                self.serve(group, host, number, environment)
            except Stopped as stopped:
                ignore_signals()
                self.say(f"\nStopping ({stopped.signal.name}).")
            finally:
                ignore_signals()
                group.end()

    def prepare_database(self, adopt: bool) -> None:
        """Raises CommandError for a database that does not fit, or one that the data folder does not belong to."""
        try:
            if not adopt:
                data_folder.require()
            if unfit := database_release.unfit():
                raise CommandError(unfit)
            if first_start.migrations_pending():
                self.say("Preparing the database.")
                call_command("migrate", interactive=False, verbosity=0)
            data_folder.claim(adopt=adopt)
        except WrongDatabase as error:
            raise CommandError(str(error)) from error

    def prepare(self, group: ProcessGroup, adopt: bool) -> None:
        """What `first_start` does, step by step. Raises CommandError if the database is not the right one."""
        for said in make_private(settings.DATA_DIR):
            self.complain(said)
        self.prepare_database(adopt)
        if count := first_start.load_samples():
            self.say(f"Loaded {count:,} fictional experts.")
        if chosen := first_start.create_administrator(settings.TCS_ADMIN_PASSWORD):
            again = "Until the first sign-in, manage.py first_password shows it again."
            self.say(box([f"User      {first_password.USERNAME}", f"Password  {chosen}", "", again]))
        elif first_password.unused():
            self.say(f"{first_password.USERNAME} has not signed in yet: manage.py first_password shows the password.")
        if first_start.first_version_needed():
            self.say("Building the first version of the index; this happens once.")
            # in a separate process, so that the memory of the model is free again before serving starts
            build = group.start([sys.executable, "manage.py", "rebuild_index"], settings.BASE_DIR)
            if build.wait():
                self.complain(
                    "The first version could not be built (see above). TCS starts without it: "
                    "fix the problem and press “Rebuild index”."
                )
        connection.close()

    def serve(self, group: ProcessGroup, host: str, port: int, environment: dict[str, str]) -> None:
        """Serve with `TCS_WEB_PROCESSES` processes. Raises CommandError if the first one cannot start."""
        with listen(host, port) as listening:
            supervisor = Supervisor(
                group,
                listening,
                settings.TCS_WEB_PROCESSES,
                greet=lambda: self.greet(host, port),
                complain=self.complain,
                prepare=lambda: environment | prepare.prepare(group, self.complain),
            )
            on_hangup(supervisor.replace_all)
            try:
                supervisor.run()
            except NeverServed as ended:
                raise CommandError(f"The server could not start ({ended}).") from None

    def greet(self, host: str, port: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        self.say(f"TCS is at http://{shown}:{port}/ (Ctrl-C stops it)")
        if host not in LOOPBACK and not env.text("TCS_ALLOWED_HOSTS") and not settings.TRUSTED_ORIGINS:
            self.complain(
                "TCS answers only to the name localhost. Set TCS_ALLOWED_HOSTS to the names that people will use."
            )

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def complain(self, text: str) -> None:
        self.stderr.write(self.style.WARNING(text))


def port_number(text: str) -> int:
    """Parse a port, 1 to 65535. Raises CommandError."""
    if 0 < (port := whole_number(text)) < 65536:
        return port
    raise CommandError(f"PORT={text!r} is not a port: use a number from 1 to 65535.")


@contextmanager
def only_one_prepares(folder: Path) -> Iterator[None]:
    """Raises CommandError while another start prepares: both would migrate and load. Serving twice is harmless."""
    with (folder / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise CommandError(
                f"Process {file.read().strip() or 'of another start'} is just preparing {folder}: "
                "wait until it serves."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def box(lines: list[str]) -> str:
    width = max(map(len, lines))
    return "\n".join(
        ["", f"┌{'─' * (width + 4)}┐", *(f"│  {line:{width}}  │" for line in lines), f"└{'─' * (width + 4)}┘", ""]
    )
