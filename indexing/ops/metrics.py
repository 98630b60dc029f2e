"""Metrics for Prometheus: what was counted of searches, and what the database says of the index."""

from __future__ import annotations

import os
from collections.abc import Iterator

from django.db.models import Count
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from indexing.drift import status as drift_status
from indexing.lib import pulse
from indexing.models import IndexState, RebuildRun
from indexing.runs import status
from indexing.search import counters

registry = CollectorRegistry()
if counters.FOLDER in os.environ:
    MultiProcessCollector(registry)
else:
    for counter in counters.COUNTERS:
        registry.register(counter)


def page() -> bytes:
    """All metrics in the text format of Prometheus."""
    return generate_latest(registry)


class IndexCollector(Collector):
    """Metrics that are read from the database for each scrape."""

    def describe(self) -> list[Metric]:
        return []  # otherwise the registry would read the database when it is set up

    def collect(self) -> Iterator[Metric]:
        yield from self._runs()
        yield from self._live_version()
        yield from self._drift_figures()
        yield from self._background()

    def _runs(self) -> Iterator[Metric]:
        runs = GaugeMetricFamily("tcs_runs", "Runs in the history, by kind and state.", labels=["kind", "state"])
        for row in RebuildRun.objects.order_by().values("kind", "state").annotate(count=Count("pk")):
            runs.add_metric([row["kind"], row["state"]], row["count"])
        yield runs
        last = RebuildRun.objects.filter(kind=RebuildRun.Kind.FULL, state=RebuildRun.State.DONE).first()
        seconds = GaugeMetricFamily(
            "tcs_last_run_stage_seconds",
            "Seconds of each stage of the last full run that finished.",
            labels=["stage"],
        )
        for stage in last.stage_records if last else ():
            seconds.add_metric([stage.stage], stage.seconds)
        yield seconds

    def _live_version(self) -> Iterator[Metric]:
        state = IndexState.read()
        version = state.live_version
        if version is not None:
            yield GaugeMetricFamily("tcs_live_version", "Number of the live version.", version.number)
            yield GaugeMetricFamily("tcs_live_version_experts", "Experts in the live version.", version.expert_count)
            yield GaugeMetricFamily(
                "tcs_live_version_built_timestamp_seconds",
                "When the live version was built.",
                version.created_at.timestamp(),
            )
        serving = status.serving(state)
        processes = GaugeMetricFamily(
            "tcs_processes", "Web processes by the version they serve: live or other.", labels=["serves"]
        )
        processes.add_metric(["live"], serving.current)
        processes.add_metric(["other"], serving.processes - serving.current)
        yield processes
        yield GaugeMetricFamily(
            "tcs_serving_problems",
            "Number of different reasons why processes do not serve the live version, or cannot get the next one.",
            len(serving.problems) + len(serving.bucket_problems),
        )
        yield GaugeMetricFamily(
            "tcs_schedule_on_hold",
            "1 while scheduled rebuilds are paused after a rollback.",
            float(bool(state.schedule_paused_at)),
        )

    def _drift_figures(self) -> Iterator[Metric]:
        now = drift_status.latest()
        grade = GaugeMetricFamily(
            "tcs_drift_grade", "1 for the current drift grade, 0 for the others.", labels=["grade"]
        )
        for each in drift_status.GRADES:
            grade.add_metric([each], float(each == now.grade))
        yield grade
        if now.drift is None:
            return
        kinds = GaugeMetricFamily(
            "tcs_drift", "Experts added, changed or removed since the live version was built.", labels=["what"]
        )
        for what in ("added", "changed", "removed"):
            kinds.add_metric([what], len(getattr(now.drift, what)))
        yield kinds
        yield GaugeMetricFamily(
            "tcs_drift_experts",
            "All experts added, changed or removed since the live version was built.",
            now.drift.count,
        )
        yield GaugeMetricFamily(
            "tcs_drift_share", "tcs_drift_experts as a share of the live version.", now.drift.share
        )
        yield GaugeMetricFamily("tcs_directory_experts", "Active experts in the directory.", now.drift.present)

    def _background(self) -> Iterator[Metric]:
        ages = GaugeMetricFamily(
            "tcs_background_age_seconds",
            "Seconds since background work of this process last ran, by its name.",
            labels=["name"],
        )
        for each in pulse.watched():
            ages.add_metric([each.name], each.age)
        yield ages


registry.register(IndexCollector())
