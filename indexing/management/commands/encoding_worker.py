"""manage.py encoding_worker: encode on this machine what builds on others hand out through a Dask scheduler."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from indexing import encoders
from indexing.encoders import onnx_export
from indexing.encoders.dask_task import Equipment
from indexing.errors import EncoderUnavailable

RESOURCES = "DASK_DISTRIBUTED__WORKER__RESOURCES"


class Command(BaseCommand):
    help = "Encode what builds hand out through the Dask scheduler in TCS_ENCODE, until stopped. Needs no database."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "dask", nargs="*", metavar="OPTION", help="options of “dask worker”, after --, such as -- --nworkers 2"
        )

    def handle(self, **options: Any) -> None:
        """Becomes a `dask worker`, whose exit code it has. Raises CommandError if that cannot work."""
        if not settings.TCS_ENCODE:
            raise CommandError("Set TCS_ENCODE to the address of a Dask scheduler, such as dask://scheduler:8786.")
        if not find_spec("distributed"):
            raise CommandError("Dask is not installed: pip install -r requirements-dask.txt")
        try:
            encoder = encoders.configured()
            onnx_export.ensure(encoder)
            encoders.loaded()
        except EncoderUnavailable as error:
            raise CommandError(str(error)) from error
        own = Equipment.of(encoder)
        self.stderr.write(f"Encoding with {own} for {settings.TCS_ENCODE}.")
        os.environ[RESOURCES] = json.dumps({own.resource: 1})
        os.environ["OMP_NUM_THREADS"] = str(settings.TCS_WORKER_THREADS)
        worker = [sys.executable, "-m", "dask", "worker", settings.TCS_ENCODE, "--nthreads", "1", *options["dask"]]
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, worker)  # noqa: S606
