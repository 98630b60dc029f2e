"""Versions of the index, and the processes that serve them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from indexing.lib.messages import Message
from indexing.lib.processes import Owner
from indexing.lib.translation import from_row, label
from indexing.models.run_records import TestFigures

SEEN_WITHIN = timedelta(seconds=10)


class IndexVersionQuerySet(models.QuerySet["IndexVersion"]):
    def deletable(self) -> IndexVersionQuerySet:
        """The versions that TCS_KEEP_VERSIONS lets be deleted: kept ones that are not pinned, newest first."""
        return self.filter(state=IndexVersion.State.KEPT, pinned_at=None).order_by("-number")

    def searchable(self) -> IndexVersionQuerySet:
        """Those in a state of SEARCHABLE."""
        return self.filter(state__in=IndexVersion.SEARCHABLE)

    def pinned(self) -> IndexVersionQuerySet:
        return self.exclude(pinned_at=None)


class IndexVersion(models.Model):
    """One built version. Its files lie in `<data>/versions/<number>/` and never change."""

    class State(models.TextChoices):
        BUILDING = "building", _("building")
        HELD = "held", _("held")
        LIVE = "live", _("live")
        KEPT = "kept", _("kept")
        DELETED = "deleted", _("deleted")

    class MapState(models.TextChoices):
        NONE = "none", _("not computed")
        COMPUTING = "computing", _("computing")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    SEARCHABLE = (State.LIVE, State.HELD, State.KEPT)
    """The states of versions that have their files and can be searched."""

    number = models.PositiveBigIntegerField(_("number"), primary_key=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.BUILDING)
    created_at = models.DateTimeField(_("built"), default=timezone.now)
    expert_count = models.PositiveIntegerField(_("experts"), default=0)
    dimension = models.PositiveIntegerField(_("dimension"), default=0)
    model_name = models.CharField(_("model"), max_length=200, blank=True)
    model_fingerprint = models.CharField(max_length=64, blank=True)
    bytes = models.PositiveBigIntegerField(_("size"), default=0)
    manifest_sha256 = models.CharField(max_length=64, blank=True)
    live_from = models.DateTimeField(_("live from"), null=True, blank=True)
    live_until = models.DateTimeField(_("live until"), null=True, blank=True)
    map_state = models.CharField(max_length=10, choices=MapState.choices, default=MapState.NONE)
    map_owner = models.CharField(max_length=400, blank=True)
    """The process that computes the map (`processes.Owner.as_text`), so that another can take over if it ends."""
    map_progress = models.FloatField(null=True, blank=True)
    """How much of the map is computed, 0 to 1; null while no process computes it."""
    test_row = models.JSONField(_("search tests"), default=dict, blank=True)
    """`TestFigures.as_row()`; empty if an older release built the version, or no test was active."""
    pinned_at = models.DateTimeField(_("pinned"), null=True, blank=True)
    """Since when it is pinned, so that it is never deleted; None if it is not pinned."""
    pinned_name = models.CharField(max_length=150, blank=True)
    pinned_reason = models.TextField(blank=True)

    objects = IndexVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version")
        verbose_name_plural = _("versions")
        default_permissions = ()
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="live"), name="index_version_one_live"
            ),
            models.CheckConstraint(
                condition=models.Q(pinned_at=None) | ~models.Q(state="deleted"), name="index_version_pinned_is_kept"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}"

    @property
    def test_figures(self) -> TestFigures | None:
        """What the search tests made of it when it was built."""
        return TestFigures.from_row(self.test_row)

    @property
    def state_label(self) -> Message:
        return label(self.State(self.state).label)

    @property
    def map_owner_missing(self) -> bool:
        """Whether the map is still to be computed and no process does it: its owner has ended, or there was none."""
        owner = Owner.from_text(self.map_owner)
        left = self.map_state == self.MapState.COMPUTING and (owner is None or owner.is_gone)
        return left or self.map_state == self.MapState.NONE

    def assign_map(self, owner: Owner) -> bool:
        """Have `owner` compute the map; False if another process took it first."""
        text = owner.as_text()
        assigned = IndexVersion.objects.filter(pk=self.pk, map_state=self.map_state, map_owner=self.map_owner).update(
            map_state=self.MapState.COMPUTING, map_owner=text, map_progress=None
        )
        if assigned:
            self.map_state, self.map_owner, self.map_progress = self.MapState.COMPUTING, text, None
        return bool(assigned)

    def end_map(self, owner: Owner, state: str) -> bool:
        """Store how computing the map ended; False if `owner` no longer has it."""
        return bool(self._map_of(owner).update(map_state=state, map_progress=None))

    def note_map_progress(self, owner: Owner, fraction: float) -> bool:
        """Store the share done, 0 to 1. False if `owner` must stop: the version is not live, or not its own."""
        mine = self._map_of(owner).filter(state=self.State.LIVE)
        return bool(mine.update(map_progress=fraction))

    def lose_map(self) -> None:
        """Note that the map's file is missing or damaged, so that it is computed again."""
        IndexVersion.objects.filter(pk=self.pk, map_state=self.MapState.DONE).update(map_state=self.MapState.NONE)
        self.map_state = self.MapState.NONE

    def _map_of(self, owner: Owner) -> models.QuerySet[IndexVersion]:
        """The row of this version while `owner` computes its map; no row otherwise."""
        return IndexVersion.objects.filter(pk=self.pk, map_state=self.MapState.COMPUTING, map_owner=owner.as_text())


class PublicationQuerySet(models.QuerySet["Publication"]):
    def current(self) -> Publication | None:
        """How the live version went live; None if no version is live."""
        return self.filter(until=None).select_related("version").first()

    def before(self, publication: Publication) -> Publication | None:
        """The one that `publication` ended."""
        return self.filter(until=publication.at).exclude(pk=publication.pk).select_related("version").first()

    def rollbacks_of(self, numbers: Iterable[int | None]) -> dict[int, Publication]:
        """For each of the versions that was rolled back and is not live again: the publication that replaced it."""
        last: dict[int, Publication] = {}
        for each in self.filter(version__in=[number for number in numbers if number]).order_by("at", "pk"):
            last[each.version_id] = each
        ended = {each.until: number for number, each in last.items() if each.until}
        backwards = self.filter(at__in=ended, how__in=(Publication.How.ROLLBACK, Publication.How.UNDO))
        return {ended[each.at]: each for each in backwards if each.version_id < ended[each.at]}


class Publication(models.Model):
    """One time that a version went live: when, who did it, and why."""

    class How(models.TextChoices):
        RUN = "run", _("published automatically")
        APPROVED = "approved", _("approved")
        ROLLBACK = "rollback", _("rolled back to")
        UNDO = "undo", _("restored by undoing")

    version = models.ForeignKey(IndexVersion, on_delete=models.CASCADE, related_name="publications")
    how = models.CharField(_("how"), max_length=10, choices=How.choices)
    at = models.DateTimeField(_("live from"), default=timezone.now)
    until = models.DateTimeField(_("live until"), null=True, blank=True)
    name = models.CharField(_("by"), max_length=150, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    pause_before = models.JSONField(null=True, blank=True, editable=False)
    """`IndexState.pause` before it went live, to be restored when this is undone."""

    objects = PublicationQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.version_id} {self.get_how_display()}"


class ServingProcessQuerySet(models.QuerySet["ServingProcess"]):
    def seen(self) -> ServingProcessQuerySet:
        """The processes that have reported within the last seconds, so they are running."""
        return self.filter(seen_at__gte=timezone.now() - SEEN_WITHIN)

    def silent(self) -> ServingProcessQuerySet:
        """Processes that have not reported lately, but within the last minute."""
        now = timezone.now()
        return self.filter(seen_at__lt=now - SEEN_WITHIN, seen_at__gte=now - 6 * SEEN_WITHIN)

    def expired(self) -> ServingProcessQuerySet:
        """Processes that have not reported for a minute: they ended without removing their rows."""
        return self.filter(seen_at__lt=timezone.now() - 6 * SEEN_WITHIN)

    def owned_by(self, owner: Owner) -> ServingProcessQuerySet:
        return self.filter(host=owner.host, pid=owner.pid, process_start=owner.start)


class ServingProcess(models.Model):
    """What one web process serves. The process itself writes it every few seconds."""

    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    process_start = models.CharField(max_length=64)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now, db_index=True)
    version_number = models.PositiveBigIntegerField(null=True, blank=True)
    problem = models.TextField(blank=True)
    problem_data = models.JSONField(null=True, editable=False)
    """the same as `Message.as_dict`"""
    """Why it does not serve the live version, or cannot get the next one, as a sentence; empty if all is well."""
    folder_token = models.CharField(max_length=32, blank=True)
    """Name of the file that it keeps in its data folder; empty if it cannot write there."""
    folder_beats = models.PositiveBigIntegerField(default=0)
    """What that file holds at least: the process counts on in both."""
    stalled = models.JSONField(default=list)
    """Names of its background threads that have not run lately."""

    objects = ServingProcessQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["host", "pid", "process_start"], name="serving_process_once")]

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"

    @property
    def problem_text(self) -> str:
        """Why it does not serve the live version, in the reader's language; empty when it does."""
        return from_row(self.problem_data, self.problem)
