"""Who is searched for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.core.validators import MinValueValidator
from django.db import connections, models, transaction
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from experts.profiles import findability
from experts.safe_text import without_bidi_controls

_LINK = re.compile("https?://", re.IGNORECASE)

AT_ONCE = 20_000
"""Ids in one statement: databases bound its length."""


_COUNT_ACTIVE = {
    "sqlite": (
        'SELECT count(*) FROM json_each(%s) asked CROSS JOIN "{table}" expert ON expert.id = asked.value '
        "WHERE expert.is_active IN (1)"
    ),
    "postgresql": 'SELECT count(*) FROM "{table}" WHERE id = ANY(%s) AND is_active',
}

Row = TypeVar("Row", bound=models.Model)


class LockingQuerySet(models.QuerySet[Row]):
    """Locks what it deletes, as the tagging of a run locks what it tags.

    Else a run could add a tag between the two statements of a deletion: first the tags, then whom they belong to.
    Whoever writes many rows locks them by their keys first: a statement takes them as they lie on the disk, and two
    who take the same ones in different orders end in a deadlock.
    """

    @transaction.atomic
    def delete(self) -> tuple[int, dict[str, int]]:
        self._lock_by_key()
        return super().delete()

    def lock(self, keys: Iterable[int]) -> None:
        """Lock the rows with these keys, all others' filters aside, to the end of the transaction."""
        wanted = sorted(set(keys))
        for start in range(0, len(wanted), AT_ONCE):
            self._lock_by_key(wanted[start : start + AT_ONCE])

    def _lock_by_key(self, keys: Sequence[int] | None = None) -> None:
        """Lock the rows with the keys; without them all of this query."""
        if connections[self.db].features.has_select_for_update:  # SQLite locks all of the database
            which = self.order_by().values("pk") if keys is None else keys
            rows = self.model._base_manager.filter(pk__in=which).order_by("pk")
            list(rows.select_for_update().values_list("pk", flat=True))

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class LockingModel(models.Model):
    """The same for one row."""

    class Meta:
        abstract = True

    @transaction.atomic
    def delete(self, *arguments: Any, **options: Any) -> tuple[int, dict[str, int]]:
        type(self)._base_manager.select_for_update().filter(pk=self.pk).first()
        return super().delete(*arguments, **options)


class ExpertQuerySet(LockingQuerySet["Expert"]):
    def active(self) -> ExpertQuerySet:
        return self.filter(is_active=True)

    def active_among(self, ids: Sequence[int]) -> list[int]:
        """Which of `ids`, rising and none twice, are of active experts; rising too. All other filters aside.

        As a rule all are, which takes one count, by hand: .5 ms for 1,000 ids, a quarter of what Django takes. An
        index answers “is_active IN (1)”, while SQLite reads the row of each expert for “is_active”.
        """
        found: list[int] = []
        database = connections[self.db]
        statement = _COUNT_ACTIVE[database.vendor].format(table=self.model._meta.db_table)
        for start in range(0, len(ids), AT_ONCE):
            some = [int(each) for each in ids[start : start + AT_ONCE]]
            with database.cursor() as cursor:
                cursor.execute(statement, [json.dumps(some) if database.vendor == "sqlite" else some])
                (active,) = cursor.fetchone()
            found += some if active == len(some) else self._read_active(some)
        return found

    def _read_active(self, ids: Sequence[int]) -> list[int]:
        listed = RawSQL(  # noqa: S611  numbers
            f'"{self.model._meta.db_table}"."id" IN ({",".join(map(str, ids))})', (), models.BooleanField()
        )
        active = self.model._base_manager.filter(listed, is_active__in=[True]).order_by()
        return sorted(active.values_list("pk", flat=True))

    def with_findability(self) -> ExpertQuerySet:
        """Each with `findability`, 0 to 100: see `experts.profiles.findability`. Can be ordered and filtered by."""
        held = ExpertTag.objects.filter(expert=models.OuterRef("pk")).order_by().values("expert")
        counts = models.Subquery(held.annotate(held=models.Count("pk")).values("held"))
        return self.annotate(findability=findability.expression(counts))

    def of_findability(self, level: str) -> ExpertQuerySet:
        """Those whose score is of that level, a key of `experts.profiles.findability.LEVELS`."""
        at_least, below = findability.LEVELS[level]
        return self.with_findability().filter(models.Q(findability__gte=at_least, findability__lt=below))

    def matching(self, words: str) -> ExpertQuerySet:
        """Those who have each of the words, or a part like it, in a name, the title or the company."""
        found = self
        for word in words.split():
            anywhere = models.Q()
            for field in ("username", "first_name", "last_name", "job_title", "company"):
                anywhere |= models.Q(**{f"{field}__icontains": word})
            found = found.filter(anywhere)
        return found

    @transaction.atomic
    def activate(self) -> int:
        """Make hidden experts searchable again; returns how many changed."""
        self._lock_by_key()
        return self.filter(is_active=False).update(is_active=True, updated_at=timezone.now())

    @transaction.atomic
    def deactivate(self) -> int:
        """Hide experts from search without losing anything; returns how many changed."""
        self._lock_by_key()
        return self.filter(is_active=True).update(is_active=False, updated_at=timezone.now())


class Expert(LockingModel):
    username = models.CharField(_("username"), max_length=150)
    first_name = models.CharField(_("first name"), max_length=150, blank=True)
    last_name = models.CharField(_("last name"), max_length=150, blank=True)
    job_title = models.CharField(_("job title"), max_length=255, blank=True)
    company = models.CharField(_("company"), max_length=255, blank=True)
    bio = models.TextField(_("bio"), max_length=20_000, blank=True)
    hourly_rate = models.DecimalField(
        _("hourly rate"),
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    currency = models.CharField(_("currency"), max_length=3, blank=True, help_text=_("ISO code, such as EUR."))
    profile_url = models.URLField(_("profile URL"), max_length=500, blank=True)
    photo_url = models.URLField(_("photo URL"), max_length=500, blank=True)
    category = models.CharField(_("category"), max_length=100, blank=True, db_index=True)
    is_active = models.BooleanField(
        _("active"), default=True, db_index=True, help_text=_("Only active experts can be found.")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    tagged_for = models.CharField(max_length=32, blank=True, editable=False)
    """What the automatic tags were computed from: see `experts.tagging.assignment.basis`. Empty: never tagged."""

    tags: models.ManyToManyField[Tag, ExpertTag] = models.ManyToManyField(
        "Tag", through="ExpertTag", related_name="experts"
    )

    objects = ExpertQuerySet.as_manager()

    class Meta:
        verbose_name = _("expert")
        verbose_name_plural = _("experts")
        ordering = ["last_name", "first_name", "username"]
        default_permissions = ("add", "change", "delete", "view")
        permissions = [("import", _("Can import experts from a file"))]
        indexes = [
            models.Index(fields=["last_name", "first_name", "username"], name="expert_by_name"),
            models.Index(fields=["updated_at"], name="expert_by_change"),  # whether anybody changed at all
        ]
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="expert_username_unique",
                violation_error_message=_("An expert with this username exists already."),
            )
        ]

    def __str__(self) -> str:
        return without_bidi_controls(self.full_name)

    def get_absolute_url(self) -> str:
        return reverse("admin:experts_expert_change", args=[self.pk])

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.username

    @property
    def profile_link(self) -> str:
        """The profile URL where it may be followed; empty for one that would run something, whoever put it there."""
        return self.profile_url if _LINK.match(self.profile_url) else ""

    @property
    def photo_link(self) -> str:
        return self.photo_url if _LINK.match(self.photo_url) else ""


class Tag(LockingModel):
    class Kind(models.TextChoices):
        DOMAIN = "domain", _("domain")
        INDUSTRY = "industry", _("industry")

    name = models.CharField(_("name"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    description = models.CharField(
        _("description"), max_length=300, help_text=_("One line; the encoder compares experts with it.")
    )
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Assigned by the next rebuild."))

    objects = LockingQuerySet["Tag"].as_manager()

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ["kind", "name"]

    def __str__(self) -> str:
        return without_bidi_controls(self.name)


class ExpertTag(models.Model):
    class Source(models.TextChoices):
        AUTO = "auto", _("automatic")
        MANUAL = "manual", _("manual")

    expert = models.ForeignKey(Expert, on_delete=models.CASCADE, related_name="expert_tags")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="expert_tags", verbose_name=_("tag"))
    source = models.CharField(_("source"), max_length=6, choices=Source.choices, default=Source.MANUAL)
    score = models.FloatField(_("score"), null=True, blank=True, help_text=_("Cosine similarity; automatic only."))

    class Meta:
        verbose_name = _("tag of an expert")
        verbose_name_plural = _("tags of experts")
        constraints = [models.UniqueConstraint(fields=["expert", "tag"], name="expert_tag_once")]

    def __str__(self) -> str:
        return f"{self.expert} · {self.tag}"
