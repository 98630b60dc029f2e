"""Runs of the index and their log lines. A run's state only moves forward."""

from __future__ import annotations

from typing import Any, Literal

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from experts.safe_text import visible
from indexing.lib.messages import Message
from indexing.lib.translation import from_row, label, stored_text
from indexing.models.run_records import GateRecord, StageRecord
from indexing.models.versions import IndexVersion


class RebuildRunQuerySet(models.QuerySet["RebuildRun"]):
    def active(self) -> RebuildRunQuerySet:
        return self.filter(state__in=RebuildRun.ACTIVE)

    def owned_by(self, run: RebuildRun) -> RebuildRunQuerySet:
        """The row of `run` while its fence is the current claim, then none. Workers write only through this."""
        return self.filter(pk=run.pk, fence=run.fence, state=RebuildRun.State.RUNNING)


class RebuildRun(models.Model):
    class Kind(models.TextChoices):
        FULL = "full", _("full rebuild")
        TAGS = "tags", _("re-tag only")

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        HELD = "held", _("held")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        CRASHED = "crashed", _("crashed")
        DISCARDED = "discarded", _("discarded")
        """Its version was held, and a person discarded it."""

    class Via(models.TextChoices):
        PAGE = "page", _("page")
        API = "api", _("API")
        COMMAND = "command", _("command")

    class Stage(models.TextChoices):
        DIRECTORY = "snapshot", _("read the directory")
        """The stored value is from a time when a copy of the directory was called a snapshot."""
        EMBED = "embed", _("process profiles")
        TAG = "tag", _("assign tags")
        VECTORS = "vectors", _("index by meaning")
        KEYWORDS = "keywords", _("index by keywords")
        VERIFY = "verify", _("verify the files")
        GATE = "gate", _("check before publishing")
        PUBLISH = "publish", _("publish")

    ACTIVE = (State.QUEUED, State.RUNNING)
    STAGES = {
        Kind.FULL: tuple(Stage),
        Kind.TAGS: (Stage.DIRECTORY, Stage.EMBED, Stage.TAG),
    }

    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.FULL)
    reembed = models.BooleanField(_("recompute every profile"), default=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)

    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("requested by"),
    )
    requested_name = models.CharField(max_length=150, blank=True)
    """The user's name, or the system account that ran the command. It stays when the user is deleted."""
    via = models.CharField(_("how"), max_length=10, choices=Via.choices, default=Via.PAGE)
    reason = models.TextField(_("reason"), blank=True)
    """In the words of the person who requested it; optional."""
    scheduled = models.BooleanField(_("scheduled"), default=False)
    """Requested by cron or the like, not by a person: refused while scheduled rebuilds are paused."""
    created_at = models.DateTimeField(_("requested"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_name = models.CharField(max_length=150, blank=True)
    cancel_reason = models.TextField(blank=True)

    stage = models.CharField(_("stage"), max_length=10, choices=Stage.choices, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    rate = models.FloatField(null=True, blank=True)
    """Items per second in this stage since its first item was done: what comes before, such as loading a model, is
    needed once and says nothing of the pace."""
    stages = models.JSONField(default=list, blank=True)
    """Ended stages in order, as `StageRecord.as_row` gives them."""

    owner = models.CharField(max_length=400, blank=True)
    """The process that has the run (`processes.Owner.as_text`): its worker or, while it is queued, the process that
    starts one."""
    fence = models.PositiveBigIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    beats = models.PositiveBigIntegerField(default=0)
    """Rises with every heartbeat, so that others see it move without trusting the clocks of two machines."""

    experts = models.PositiveIntegerField(_("experts"), null=True, blank=True)
    encoded = models.PositiveIntegerField(_("encoded"), null=True, blank=True)
    reused = models.PositiveIntegerField(_("reused"), null=True, blank=True)
    peak_mb = models.PositiveIntegerField(_("peak memory, MB"), null=True, blank=True)
    gate = models.JSONField(default=dict, blank=True)
    """The gate\'s report, as `GateRecord.as_row` gives it; empty until the gate was reached."""
    error = models.TextField(_("error"), blank=True)
    """in the installation's language, for search and notifications; `error_text` is for who reads it"""
    error_data = models.JSONField(null=True, blank=True, editable=False)
    """the same as `Message.as_dict`; None in a row of an older release"""
    version = models.OneToOneField(
        IndexVersion,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="run",
        verbose_name=_("version"),
    )

    objects = RebuildRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        default_permissions = ()
        ordering = ["-pk"]
        constraints = [
            # A second guarantee, after the lock row, that at most one run is active.
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(state__in=["queued", "running"]),
                name="rebuild_run_one_active",
            )
        ]

    def __str__(self) -> str:
        return f"{self.pk}"

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def who(self) -> str:
        return self.requested_name or str(_("somebody"))

    @property
    def error_text(self) -> str:
        """What went wrong, in the reader's language; empty when nothing did."""
        return visible(from_row(self.error_data, self.error))

    @staticmethod
    def error_columns(why: Message | str) -> dict[str, Any]:
        """`error` and `error_data`, for `move`."""
        if isinstance(why, str):
            why = Message(why)
        return {"error": visible(stored_text(why)), "error_data": why.as_dict() if why.id else None}

    @property
    def stage_records(self) -> tuple[StageRecord, ...]:
        """The stages that have ended, in order."""
        return tuple(StageRecord.from_row(row) for row in self.stages)

    @property
    def gate_record(self) -> GateRecord | None:
        """The gate's report; None if the run did not reach the gate."""
        return GateRecord.from_row(self.gate)

    @property
    def kind_label(self) -> Message:
        return label(self.Kind(self.kind).label)

    @property
    def state_label(self) -> Message:
        return label(self.State(self.state).label)

    @property
    def stage_label(self) -> Message | None:
        """The name of the current stage, for people; None before the first stage."""
        return label(self.Stage(self.stage).label) if self.stage else None

    @property
    def seconds(self) -> float | None:
        """How long it ran, or has been running; None before it started."""
        if self.started_at is None:
            return None
        return ((self.finished_at or timezone.now()) - self.started_at).total_seconds()

    @property
    def stage_names(self) -> tuple[str, ...]:
        return tuple(str(stage) for stage in self.STAGES[self.Kind(self.kind)])

    @property
    def api_state(self) -> Literal["running", "done", "error"]:
        """The state as the JSON API has it: running, done or error. (No runs at all is "idle".)"""
        if self.is_active:
            return "running"
        return "done" if self.state == self.State.DONE else "error"

    def move(self, *, to: State, expect: tuple[State, ...], **changes: Any) -> bool:
        """Move the run to state `to` and write `changes`. False if it is in none of the states `expect` any more."""
        changes["state"] = to
        moved = RebuildRun.objects.filter(pk=self.pk, state__in=expect, fence=self.fence).update(**changes)
        if moved:
            for name, value in changes.items():
                setattr(self, name, value)
        return bool(moved)


class RunLogLine(models.Model):
    """One line of a run's log. `seq` counts from 1 without gaps; every reader uses it as its cursor."""

    run = models.ForeignKey(RebuildRun, on_delete=models.CASCADE, related_name="lines")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    level = models.CharField(max_length=8, default="info")
    stage = models.CharField(max_length=10, blank=True)
    message = models.TextField()
    """in the installation's language; `text` is for who reads it"""
    message_data = models.JSONField(null=True, editable=False)
    """the same as `Message.as_dict`; None if the text is not ours, or was stored by an older release"""

    class Meta:
        default_permissions = ()
        ordering = ["run", "seq"]
        constraints = [models.UniqueConstraint(fields=["run", "seq"], name="run_log_line_seq")]

    def __str__(self) -> str:
        return self.message

    @property
    def text(self) -> str:
        """In the reader's language."""
        return visible(from_row(self.message_data, self.message))
