"""Experts: the people who are searched for, and the tags that they have."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connections, models, transaction
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from experts import iso_codes
from experts.identity import CONFLICT, identity_key
from experts.models.locking import MAX_IDS, LockingModel, LockingQuerySet
from experts.models.tag import Tag
from experts.models.username_key import UsernameKeyField
from experts.models.validators import (
    FIRST_YEAR,
    LAST_YEAR,
    YEARS,
    check_country,
    check_date,
    check_languages,
    check_links,
    check_phone,
)
from experts.profiles import findability
from experts.safe_text import without_bidi_controls

_LINK = re.compile("https?://", re.IGNORECASE)

# SQLite answers “is_active IN (1)” from an index; for “is_active” it reads the row of each expert.
_COUNT_ACTIVE = {
    "sqlite": (
        'SELECT count(*) FROM json_each(%s) wanted CROSS JOIN "{table}" expert ON expert.id = wanted.value '
        "WHERE expert.is_active IN (1)"
    ),
    "postgresql": 'SELECT count(*) FROM "{table}" WHERE id = ANY(%s) AND is_active',
}


MAX_SEARCH_WORDS = 8
CONTACT = ("email", "phone")
"""The fields that only those see who have the permission `experts.view_contact`."""


class ExpertQuerySet(LockingQuerySet["Expert"]):
    def active(self) -> ExpertQuerySet:
        return self.filter(is_active=True)

    def active_among(self, ids: Sequence[int]) -> list[int]:
        """The ids of active experts among `ids` (ascending, without duplicates), in ascending order.

        Other filters of this queryset do not apply. Usually all of them are active, so each batch is counted first
        and read only if the count differs. The count is written by hand: it takes 0.5 ms for 1,000 ids, a quarter of
        what Django's takes.
        """
        active_ids: list[int] = []
        database = connections[self.db]
        statement = _COUNT_ACTIVE[database.vendor].format(table=self.model._meta.db_table)
        for start in range(0, len(ids), MAX_IDS):
            some = [int(each) for each in ids[start : start + MAX_IDS]]
            with database.cursor() as cursor:
                cursor.execute(statement, [json.dumps(some) if database.vendor == "sqlite" else some])
                (active,) = cursor.fetchone()
            active_ids += some if active == len(some) else self._read_active(some)
        return active_ids

    def _read_active(self, ids: Sequence[int]) -> list[int]:
        listed = RawSQL(
            f'"{self.model._meta.db_table}"."id" IN ({",".join(map(str, ids))})', (), models.BooleanField()
        )
        active = self.model._base_manager.filter(listed, is_active__in=[True]).order_by()
        return sorted(active.values_list("pk", flat=True))

    def in_conflict(self) -> ExpertQuerySet:
        """The experts whose username another one had before, who was there when the rule for usernames came."""
        return self.filter(username_key__contains=CONFLICT)

    def with_findability(self) -> ExpertQuerySet:
        """Annotate each expert with the integer `findability`, 0 to 100: see `experts.profiles.findability`."""
        tags = ExpertTag.objects.filter(expert=models.OuterRef("pk")).order_by().values("expert")
        counts = models.Subquery(tags.annotate(tag_count=models.Count("pk")).values("tag_count"))
        return self.annotate(findability=findability.score_expression(counts))

    def with_findability_level(self, level: str) -> ExpertQuerySet:
        """The experts whose score is in `level`, a key of `experts.profiles.findability.LEVELS`."""
        at_least, below = findability.LEVELS[level]
        return self.with_findability().filter(models.Q(findability__gte=at_least, findability__lt=below))

    def matching(self, words: str) -> ExpertQuerySet:
        """The experts who have every one of `words`, at least as part of a word, in their name, title or company.

        Only the first MAX_SEARCH_WORDS words count: each one adds a condition on every field.
        """
        return self._with_words(words.split(), ("username", "first_name", "last_name", "job_title", "company"))

    def named(self, words: Sequence[str]) -> ExpertQuerySet:
        """The experts who have every one of `words`, at least as part of a word, in their name or username."""
        return self._with_words(words, ("username", "first_name", "last_name"))

    def _with_words(self, words: Sequence[str], fields: Sequence[str]) -> ExpertQuerySet:
        matching = self
        for word in words[:MAX_SEARCH_WORDS]:
            anywhere = models.Q()
            for field in fields:
                anywhere |= models.Q(**{f"{field}__icontains": word})
            matching = matching.filter(anywhere)
        return matching

    @transaction.atomic
    def activate(self) -> int:
        """Make inactive experts searchable again; returns how many changed."""
        self._lock_by_key()
        return self.filter(is_active=False).update(is_active=True, updated_at=timezone.now())

    @transaction.atomic
    def deactivate(self, at: datetime | None = None) -> int:
        """Hide experts from search, deleting nothing; returns how many changed. `at` is when, by default now."""
        self._lock_by_key()
        return self.filter(is_active=True).update(is_active=False, updated_at=at or timezone.now())


class Expert(LockingModel):
    """A person in the directory. Only active experts can be found."""

    username = models.CharField(_("username"), max_length=150)
    username_key = UsernameKeyField(max_length=250, editable=False, default="", unique=True)
    """See `experts.identity`: at most one expert has a username that reads the same."""
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
    currency = models.CharField(
        _("currency"), max_length=3, blank=True, help_text=_("Three-letter ISO code, such as EUR.")
    )
    profile_url = models.URLField(_("profile URL"), max_length=500, blank=True)
    photo_url = models.URLField(_("photo URL"), max_length=500, blank=True)
    photo_file = models.CharField(max_length=32, blank=True, editable=False)
    """The photo that pages show: see `experts.attachments.photos`."""
    photo_fetched_from = models.CharField(max_length=500, blank=True, editable=False)
    """The `photo_url` that `photo_file` was fetched from; empty for one that was uploaded."""
    category = models.CharField(_("category"), max_length=100, blank=True, db_index=True)
    is_active = models.BooleanField(
        _("active"), default=True, db_index=True, help_text=_("Only active experts can be found.")
    )
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True, validators=[check_phone])
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True, validators=[check_country])
    """ISO 3166-1 alpha-2, such as NL."""
    languages = models.CharField(
        _("languages"),
        max_length=100,
        blank=True,
        validators=[check_languages],
        help_text=_("Names or ISO codes, such as: nl, en."),
    )
    """ISO 639 codes with spaces between them, such as “nl en”, in the order in which they were given."""
    availability = models.CharField(
        _("availability"), max_length=200, blank=True, help_text=_("In words, such as: two days a week.")
    )
    available_from = models.DateField(_("available from"), null=True, blank=True, validators=[check_date])
    links = models.TextField(
        _("links"),
        max_length=2_000,
        blank=True,
        validators=[check_links],
        help_text=_("More web addresses, one on each line."),
    )
    created_at = models.DateTimeField(
        _("created"),
        default=timezone.now,
        validators=[
            MinValueValidator(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), YEARS),
            MaxValueValidator(datetime(LAST_YEAR, 12, 31, tzinfo=UTC), YEARS),
        ],
    )
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    tagged_for = models.CharField(max_length=32, blank=True, editable=False)
    """What the automatic tags were computed from: see `tagging.assignment.tagging_basis`. Empty: never tagged."""

    tags: models.ManyToManyField[Tag, ExpertTag] = models.ManyToManyField(
        "Tag", through="ExpertTag", related_name="experts"
    )

    objects = ExpertQuerySet.as_manager()

    class Meta:
        verbose_name = _("expert")
        verbose_name_plural = _("experts")
        ordering = ["last_name", "first_name", "username"]
        default_permissions = ("add", "change", "delete", "view")
        permissions = [
            ("import", _("Can import experts from a file")),
            ("view_contact", _("Can see e-mail addresses and phone numbers")),
        ]
        indexes = [
            models.Index(fields=["last_name", "first_name", "username"], name="expert_by_name"),
            models.Index(fields=["updated_at"], name="expert_by_change"),  # drift asks whether anybody changed at all
        ]

    def clean(self) -> None:
        """Raises ValidationError if another expert has this username, or one that reads the same."""
        super().clean()
        key = identity_key(self.username)
        other = Expert.objects.filter(username_key=key).exclude(pk=self.pk).first()
        if not key:
            raise ValidationError({"username": _("Every expert needs a username.")})
        if other and not self.username_key.startswith(f"{key}{CONFLICT}"):
            raise ValidationError(
                {
                    "username": ValidationError(
                        _("An expert with this username already exists: %(other)s."), params={"other": other.username}
                    )
                }
            )

    def __str__(self) -> str:
        return without_bidi_controls(self.full_name)

    def get_absolute_url(self) -> str:
        return reverse("admin:experts_expert_change", args=[self.pk])

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.username

    @property
    def profile_link(self) -> str:
        """The profile URL if it is a web address; empty for anything else, such as “javascript:...”."""
        return self.profile_url if _LINK.match(self.profile_url) else ""

    @property
    def photo_address(self) -> str:
        """Where the photo is that pages show; empty without one."""
        return reverse("expert-photo", args=[self.pk, self.photo_file]) if self.photo_file else ""

    @property
    def photo_link(self) -> str:
        """The photo URL under the same condition."""
        return self.photo_url if _LINK.match(self.photo_url) else ""

    @property
    def further_links(self) -> list[str]:
        """The other links that are web addresses."""
        return [link for link in self.links.split() if _LINK.match(link)]

    @property
    def language_codes(self) -> list[str]:
        return self.languages.split()

    @property
    def location(self) -> str:
        """City and country, in the reader's language."""
        return ", ".join(filter(None, (self.city, iso_codes.country_name(self.country))))

    @property
    def language_names(self) -> list[str]:
        """The languages in the reader's language."""
        return [iso_codes.language_name(code) for code in self.language_codes]


class ExpertTag(models.Model):
    """A tag that an expert has. Runs add and remove automatic tags; manual ones are up to staff."""

    class Source(models.TextChoices):
        AUTO = "auto", _("automatic")
        MANUAL = "manual", _("manual")

    expert = models.ForeignKey(Expert, on_delete=models.CASCADE, related_name="expert_tags")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="expert_tags", verbose_name=_("tag"))
    source = models.CharField(_("source"), max_length=6, choices=Source.choices, default=Source.MANUAL)
    score = models.FloatField(
        _("score"),
        null=True,
        blank=True,
        help_text=_("How well the profile fits the tag, at most 1; only for automatic tags."),
    )

    class Meta:
        verbose_name = _("tag of an expert")
        verbose_name_plural = _("tags of experts")
        constraints = [models.UniqueConstraint(fields=["expert", "tag"], name="expert_tag_once")]

    def __str__(self) -> str:
        return f"{self.expert} · {self.tag}"
