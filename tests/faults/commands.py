"""Management commands as processes, forked like the workers."""

from __future__ import annotations

import os
import sys

import django
from django.apps import apps

if not apps.ready:
    django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.management.base import CommandError  # noqa: E402

from indexing import runs  # noqa: E402
from indexing.errors import NotActive  # noqa: E402
from tests.support import cast  # noqa: E402


def main(encoder: str, name: str, *arguments: str) -> None:
    os.environ["TCS_ENCODER"] = encoder  # for the worker that it starts
    try:
        call_command(name, *arguments)
    except CommandError as error:
        sys.exit(error.returncode)


def cancel(run: int) -> str:
    try:
        runs.cancel(run, cast.command_actor())
    except NotActive:
        return "cancel 409"
    return "cancel 202"
