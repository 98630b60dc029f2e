#!/usr/bin/env python
import gc
import os
import sys

from django.core.management import BaseCommand, CommandError, ManagementUtility, get_commands
from django.db import DatabaseError, InterfaceError
from django.utils import translation
from django.utils.module_loading import import_string

from indexing.errors import WrongDatabase
from tcs_site import database_release, known_errors, terminal

HELP = {"-h", "--help"}


class CommandLine(ManagementUtility):
    """Commands speak English to whoever runs them, in any installation: half of their texts are not translated.

    What they store for others is written in TCS_LANGUAGE all the same (`experts.stored_language`).
    """

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Called once Django is set up, and before the command sees its arguments."""
        translation.activate("en")
        command = super().fetch_command(subcommand)
        gc.freeze()  # all is imported
        gc.enable()
        if not HELP & set(self.argv):
            if command.requires_system_checks:  # not `serve`: its `--adopt` takes the folder over
                refuse_another_database()
            if get_commands().get(subcommand) in database_release.OURS:
                refuse_an_unfit_database()
        return command


def refuse_another_database() -> None:
    """Raises CommandError if the data folder belongs to another database: before anything creates a SQLite file."""
    try:
        import_string("indexing.versions.data_folder.require")()  # by its name: models are known only now
    except WrongDatabase as error:
        raise CommandError(str(error)) from error
    except (DatabaseError, InterfaceError):
        pass  # the command says so itself, or waits for it


def refuse_an_unfit_database() -> None:
    """Raises CommandError for one that this release cannot use, and DatabaseError for one that waiting does not help.

    One that is away for a moment is waited for by the command, and one of an older release is refused by the first
    thing that it lacks: see `known_errors`.
    """
    try:
        unfit = database_release.unfit()
    except (DatabaseError, InterfaceError) as error:
        if known_errors.no_waiting_helps(error):
            raise
        return
    if unfit:
        raise CommandError(unfit)


def main() -> None:
    gc.disable()  # until all is imported, which stays: to look for cycles in it takes a fifth of a start
    try:
        CommandLine(sys.argv).execute()
    except Exception as error:
        known = None if "--traceback" in sys.argv else known_errors.sentence(error)
        if known is None:
            raise
        sys.exit(known)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tcs_site.settings")
    terminal.never_fail()
    main()
