"""Daphne with short deadlines, so that a test can see them pass: `python -m tests.support.impatient_server ...`."""

from __future__ import annotations

import os

import django
from daphne.cli import CommandLineInterface

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tcs_site.settings")
django.setup(set_prefix=False)

# Models can be imported only once Django is set up.
from tcs_site.http_server import channel  # noqa: E402

if __name__ == "__main__":
    channel.HEAD_SECONDS = 1.0
    channel.IDLE_SECONDS = 1.5
    channel.BODY_SECONDS = 1.0
    channel.UNREAD_SECONDS = 2
    CommandLineInterface.entrypoint()
