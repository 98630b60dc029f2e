"""Experts: the people who are searched for, and the tags that they have."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from experts import iso_codes
from experts.identity import CONFLICT, identity_key, without_conflict
from experts.models.expert_queries import ExpertQuerySet
from experts.models.expert_tag import ExpertTag
from experts.models.former_username import FormerUsername
from experts.models.locking import LockingModel
from experts.models.search_text import SEARCHED, SearchTextField
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
from experts.safe_text import without_bidi_controls

_LINK = re.compile("https?://", re.IGNORECASE)
CONTACT = ("email", "phone")
"""The fields that only those see who have the permission `experts.view_contact`."""


def hidden_fields(user: User | AnonymousUser) -> tuple[str, ...]:
    """The fields whose values this user must not see."""
    return () if user.has_perm("experts.view_contact") else CONTACT


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
    """The photo that pages show: see `experts.attachments.photos`. If it was fetched, then from:"""
    photo_fetched_from = models.CharField(max_length=500, blank=True, editable=False)
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

    search_text = SearchTextField(editable=False, default="")
    """What the admin's list is searched by: see `experts.folding`."""

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

    def save(self, *arguments: Any, **options: Any) -> None:
        """Also notes a username that was changed, see `FormerUsername`."""
        before = without_conflict(self.username_key)
        if set(SEARCHED) & set(options.get("update_fields") or ()):
            options["update_fields"] = {*options["update_fields"], "search_text"}
        super().save(*arguments, **options)
        if before and before != without_conflict(self.username_key):
            FormerUsername.objects.update_or_create(key=before, defaults={"expert": self})

    def get_absolute_url(self) -> str:
        """The address of the expert's page: by username, unless no address can have it as one of its parts."""
        if "/" in self.username or self.username in ("", ".", ".."):
            return reverse("profile-by-id", args=[self.pk])
        return reverse("profile", args=[self.username])

    @property
    def admin_url(self) -> str:
        """The address of the form that changes the expert."""
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
