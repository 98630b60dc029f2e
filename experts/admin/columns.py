"""The columns of the list of experts: what each shows, which are shown, and how the list's address names them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Concat
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format, localize, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from experts.models import ChosenColumns, Expert, ExpertTag, SavedView, hidden_fields
from experts.models.list_views import VIEW
from experts.numbers import whole_number
from experts.profiles import findability

NAME = "name"
"""Always shown, and first."""
COLUMNS = (
    NAME,
    "username",
    "job_title_shown",
    "company_shown",
    "category",
    "location_shown",
    "languages_shown",
    "email",
    "phone",
    "availability_shown",
    "tags_shown",
    "rate",
    "findability_shown",
    "is_active",
    "created_shown",
    "changed_shown",
)
"""In the order in which they are offered. An address of the list names them too: `?o=-rate.name`."""
DEFAULT = (NAME, "job_title_shown", "company_shown", "tags_shown", "rate", "findability_shown", "is_active")
TAGS_SHOWN = 3
_TAGS = ExpertTag.objects.filter(expert=OuterRef("pk")).order_by().values("expert")
TAG_COUNT = Subquery(_TAGS.annotate(tag_count=Count("pk")).values("tag_count"))


def allowed_columns(user: User | AnonymousUser) -> tuple[str, ...]:
    """Without what the user must not see."""
    hidden = hidden_fields(user)
    return tuple(column for column in COLUMNS if column not in hidden)


def known_columns(user: User | AnonymousUser, wanted: Iterable[str]) -> list[str]:
    """The name, and then those of `wanted` that there are and that the user may see, in the order of `wanted`."""
    allowed = allowed_columns(user)
    return [column for column in dict.fromkeys((NAME, *wanted)) if column in allowed]


def moved_up(columns: list[str], column: str) -> list[str]:
    """The columns with this one before the one that is before it; the name stays the first."""
    place = columns.index(column) if column in columns else 0
    if place < 2:
        return columns
    return [*columns[: place - 1], column, columns[place - 1], *columns[place + 1 :]]


def opened_view(request: HttpRequest) -> SavedView | None:
    """The saved view that the list's address names, if the user may see it."""
    number = whole_number(request.GET.get(VIEW))
    return SavedView.objects.seen_by(request.user).filter(pk=number).first() if number else None


def shown_columns(request: HttpRequest) -> list[str]:
    """Those of the saved view that is open, else those that the user chose."""
    chosen = opened_view(request) or ChosenColumns.objects.filter(user=request.user.pk).first()
    return known_columns(request.user, chosen.columns if chosen else DEFAULT)


class ExpertList(ChangeList):
    """An order is named by its columns, not by their numbers, which depend on the columns that somebody chose."""

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name != VIEW}

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Expert]:
        if ORDER_VAR in self.params:
            self.params[ORDER_VAR] = ".".join(map(self._numbered, self.params[ORDER_VAR].split(".")))
        experts: QuerySet[Expert] = super().get_queryset(request, exclude_parameters)
        return experts

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        if new_params and new_params.get(ORDER_VAR):
            named = ".".join(map(self._named, str(new_params[ORDER_VAR]).split(".")))
            new_params = {**new_params, ORDER_VAR: named}
        return str(super().get_query_string(new_params, remove))

    def _numbered(self, part: str) -> str:
        sign, name = _parted(part)
        return f"{sign}{self.list_display.index(name)}" if name in self.list_display else ""

    def _named(self, part: str) -> str:
        sign, number = _parted(part)
        columns = dict(enumerate(self.list_display))
        return f"{sign}{columns.get(whole_number(number), '')}"


def _parted(part: str) -> tuple[str, str]:
    return ("-", part[1:]) if part.startswith("-") else ("", part)


class ExpertColumns(admin.ModelAdmin):
    """What the columns show."""

    list_display = DEFAULT

    def get_list_display(self, request: HttpRequest) -> Any:
        return shown_columns(request)

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return ExpertList

    @admin.display(description=gettext_lazy("name"), ordering="last_name")
    def name(self, expert: Expert) -> str:
        return render_to_string("admin/experts/expert/_person.html", {"expert": expert})

    @admin.display(description=gettext_lazy("job title"), ordering="job_title")
    def job_title_shown(self, expert: Expert) -> str:
        return _two_lines(expert.job_title)

    @admin.display(description=gettext_lazy("company"), ordering="company")
    def company_shown(self, expert: Expert) -> str:
        return _two_lines(expert.company)

    @admin.display(description=gettext_lazy("location"), ordering=Concat("country", "city"))
    def location_shown(self, expert: Expert) -> str:
        return _two_lines(expert.location)

    @admin.display(description=gettext_lazy("languages"), ordering="languages")
    def languages_shown(self, expert: Expert) -> str:
        return _two_lines(", ".join(expert.language_names))

    @admin.display(description=gettext_lazy("availability"), ordering="available_from")
    def availability_shown(self, expert: Expert) -> str:
        start = date_format(expert.available_from) if expert.available_from else ""
        return _two_lines(", ".join(filter(None, (start, expert.availability))))

    @admin.display(description=gettext_lazy("tags"), ordering=TAG_COUNT)
    def tags_shown(self, expert: Expert) -> str:
        names = [str(row.tag) for row in expert.expert_tags.all()]
        more = f" +{len(names) - TAGS_SHOWN}" if len(names) > TAGS_SHOWN else ""
        return _two_lines(", ".join(names[:TAGS_SHOWN]) + more, ", ".join(names))

    @admin.display(description=gettext_lazy("rate"), ordering="hourly_rate")
    def rate(self, expert: Expert) -> str:
        if expert.hourly_rate is None:
            return ""
        return f"{number_format(expert.hourly_rate, force_grouping=True)} {expert.currency}".strip()

    @admin.display(description=gettext_lazy("findability"), ordering="findability")
    def findability_shown(self, expert: Expert) -> str:
        score = int(getattr(expert, "findability", 0))
        return render_to_string("admin/experts/expert/_findability.html", {"score": score, "scoring": findability})

    @admin.display(description=gettext_lazy("created"), ordering="created_at")
    def created_shown(self, expert: Expert) -> SafeString:
        return _day(expert.created_at)

    @admin.display(description=gettext_lazy("changed"), ordering="updated_at")
    def changed_shown(self, expert: Expert) -> SafeString:
        return _day(expert.updated_at)


def _two_lines(text: str, whole: str = "") -> SafeString | str:
    """A text that its column cuts off after two lines; its title shows all of it."""
    return format_html('<span class="two-lines" title="{}">{}</span>', whole or text, text) if text else ""


def _day(moment: datetime) -> SafeString:
    local = timezone.localtime(moment)
    return format_html('<span class="day" title="{}">{}</span>', localize(local), date_format(local, "DATE_FORMAT"))
