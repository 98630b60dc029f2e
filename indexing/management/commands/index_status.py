"""manage.py index_status: what the index is doing, for people and for scripts."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from experts.safe_text import visible
from indexing import runs
from indexing.drift import status as drift_status
from indexing.lib import times
from indexing.runs import status
from indexing.versions import sweep


class Command(BaseCommand):
    help = "Show the live version, the latest run, drift, and what each web process serves."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, **options: Any) -> None:
        runs.reap()
        now, drifted = status.current_status(), drift_status.latest()
        if options["json"]:
            self.stdout.write(json.dumps(as_dict(now) | {"drift": drifted.as_dict(), "foreign": sweep.foreign()}))
            return
        self.stdout.write(visible(f"Index:    {now.badge}. {now.sentence}"))
        if now.live:
            self.stdout.write(
                f"Live:     version {now.live.number}, {now.live.expert_count:,} experts, "
                f"built {now.live.created_at:%Y-%m-%d %H:%M} UTC with {now.live.model_name}, "
                f"{now.live.bytes / 2**20:,.1f} MB"
            )
        else:
            self.stdout.write("Live:     none yet: run `manage.py rebuild_index`")
        self.stdout.write(visible(f"Drift:    {drifted.grade}. {drifted.sentence}"))
        serving = now.serving
        self.stdout.write(f"Serving:  {serving.current} of {serving.processes} processes serve the live version")
        for server in serving.each:
            what = f"version {server.version}" if server.version else "no version"
            silent = " (not reporting)" if server.silent else ""
            self.stdout.write(visible(f"          {server.host}, process {server.pid}: {what}{silent}"))
        for problem in (*serving.problems, *serving.bucket_problems):
            self.stdout.write(self.style.ERROR(visible(f"          {problem}")))
        if foreign := sweep.foreign():
            self.stdout.write(f"Foreign:  {', '.join(foreign)} (not written by this database, never deleted)")
        if now.active and now.progress:
            self.stdout.write(
                f"Run {now.active.pk}:    {now.progress.stage or 'queued'} "
                f"{now.progress.done:,}/{now.progress.total:,}"
            )


def as_dict(now: status.IndexStatus) -> dict[str, Any]:
    return {
        "badge": now.badge,
        "sentence": now.sentence,
        "live_version": now.live.number if now.live else None,
        "experts": now.live.expert_count if now.live else None,
        "last_rebuild_at": times.unix(now.state.last_rebuild_at),
        "expert_count_at_rebuild": now.state.expert_count_at_rebuild,
        "run": now.latest.pk if now.latest else None,
        "state": now.latest.state if now.latest else None,
        "stage": now.progress.stage if now.progress else None,
        "done": now.progress.done if now.progress else None,
        "total": now.progress.total if now.progress else None,
        "processes": now.serving.processes,
        "processes_current": now.serving.current,
        "problems": [*now.serving.problems, *now.serving.bucket_problems],
        "serving": [asdict(server) for server in now.serving.each],
    }
