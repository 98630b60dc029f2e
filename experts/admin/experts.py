"""Experts in Django admin. Every change leaves an entry in the history, also when many experts change at once."""

from __future__ import annotations

import io
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget, AdminURLFieldWidget, RelatedFieldWidgetWrapper
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Field, ForeignKey, Prefetch, QuerySet, TextField, URLField
from django.forms import ModelChoiceField, ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy, ngettext

from experts.admin import saved_views
from experts.admin.attachments import PHOTO_FIELDS, REMOVE_PHOTO, DocumentInline, PhotoFields, WithAttachments
from experts.admin.columns import ExpertColumns
from experts.admin.filters import (
    AvailabilityFilter,
    CountryFilter,
    DomainFilter,
    FindabilityFilter,
    IndustryFilter,
    LanguageFilter,
    PhotoFilter,
    TaggedFilter,
    UsernameConflictFilter,
)
from experts.admin.forms import ExpertForm, ExpertTagForm, ExpertTagFormSet, LinesField
from experts.admin_history import log_changed
from experts.exporting import write_csv
from experts.folding import folded_words
from experts.follow_up import what_follows
from experts.importing import views as import_views
from experts.models import CONTACT, Expert, ExpertQuerySet, ExpertTag, Tag, hidden_fields
from experts.profiles import findability
from experts.samples import views as sample_views

BATCH = 1_000
MAX_WORDS = 64
"""of a search: each is a condition"""


class ExpertTagInline(admin.TabularInline):
    model = ExpertTag
    verbose_name = gettext_lazy("tag")
    verbose_name_plural = gettext_lazy("tags")
    form = ExpertTagForm
    formset = ExpertTagFormSet
    fields = ("tag", "kind", "source_shown", "score_shown", "keep")
    readonly_fields = ("kind", "source_shown", "score_shown")
    extra = 1

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExpertTag]:
        rows = super().get_queryset(request).select_related("tag", "expert")
        return rows.order_by("-source", F("score").desc(nulls_last=True), "tag__name")

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **options: Any) -> Any:
        """Without the links to edit and to see a tag, which would be in each row."""
        field = super().formfield_for_dbfield(db_field, request, **options)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget.can_change_related = field.widget.can_view_related = False
        return field

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        """Read the tags once, not once for every row."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None and db_field.name == "tag":
            field.choices = [("", "---------"), *((tag.pk, str(tag)) for tag in Tag.objects.all())]
        return field

    @admin.display(description=gettext_lazy("kind"))
    def kind(self, row: ExpertTag) -> str:
        return row.tag.get_kind_display() if row.tag_id else ""

    @admin.display(description=gettext_lazy("source"))
    def source_shown(self, row: ExpertTag) -> str:
        return row.get_source_display() if row.pk else ""

    @admin.display(description=gettext_lazy("score"))
    def score_shown(self, row: ExpertTag) -> str:
        return "" if row.score is None else number_format(round(row.score, 2), 2)


@admin.register(Expert)
class ExpertAdmin(WithAttachments, ExpertColumns):
    when_empty = gettext_lazy(
        "No experts yet. Import a file or add an expert, then rebuild the index to make them searchable."
    )
    form = ExpertForm
    inlines = (DocumentInline, ExpertTagInline)
    list_filter = (
        "is_active",
        "category",
        DomainFilter,
        IndustryFilter,
        TaggedFilter,
        PhotoFilter,
        CountryFilter,
        LanguageFilter,
        AvailabilityFilter,
        FindabilityFilter,
        UsernameConflictFilter,
        "created_at",
    )
    search_fields = ("search_text",)
    search_help_text = gettext_lazy("Searches name, username, job title, company and bio.")
    list_per_page = 50
    view_on_site = False  # the page of an expert is the admin's form itself
    show_full_result_count = False  # saves counting the whole table for every page
    readonly_fields = ("updated_at", "findability_advice", "photo_shown")
    formfield_overrides = {
        URLField: {"widget": AdminURLFieldWidget, "assume_scheme": "https"},
        TextField: {"widget": AdminTextareaWidget, "form_class": LinesField},
    }
    actions = ("activate", "deactivate", "export")
    fieldsets = (
        (None, {"fields": ("username", ("first_name", "last_name"), "is_active")}),
        (gettext_lazy("Profile"), {"fields": ("job_title", "company", "category", "bio")}),
        (gettext_lazy("Contact"), {"fields": CONTACT}),
        (gettext_lazy("Location and languages"), {"fields": (("city", "country"), "languages")}),
        (
            gettext_lazy("Rate and availability"),
            {"fields": (("hourly_rate", "currency"), "availability", "available_from")},
        ),
        (gettext_lazy("Links"), {"fields": ("profile_url", "links")}),
        (gettext_lazy("Photo"), {"fields": ("photo_shown", *PHOTO_FIELDS, "photo_url")}),
        (gettext_lazy("History"), {"fields": ("created_at", "updated_at")}),
    )

    class Media:
        css = {"all": ("experts/admin.css",)}

    def get_urls(self) -> list[URLPattern]:
        removal = path(
            "samples/remove/", self.admin_site.admin_view(sample_views.remove), name="experts_expert_remove_samples"
        )
        more = [*import_views.urls(self.admin_site), removal, *saved_views.urls(self.admin_site)]
        return [*more, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        page = super().changelist_view(request, extra_context)
        if isinstance(page, TemplateResponse) and page.context_data and "cl" in page.context_data:
            page.context_data |= saved_views.menus(request, page.context_data["cl"])
        return page

    def save_related(self, request: HttpRequest, form: ModelForm, formsets: Any, change: bool) -> None:
        """Say what follows, if the expert can be searched at all."""
        super().save_related(request, form, formsets, change)
        if isinstance(form, PhotoFields):
            form.save_photo()
        changed = form.has_changed() or any(each.has_changed() for each in formsets)
        if changed and form.instance.is_active:
            messages.info(request, what_follows(request, 1))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Expert]:
        rows = ExpertTag.objects.select_related("tag").order_by("-source", F("score").desc(nulls_last=True))
        experts = super().get_queryset(request)
        assert isinstance(experts, ExpertQuerySet)
        return experts.with_findability().prefetch_related(Prefetch("expert_tags", queryset=rows))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Expert], search_term: str
    ) -> tuple[QuerySet[Expert], bool]:
        """Experts who have every word, whatever its case and accents."""
        for word in folded_words(search_term)[:MAX_WORDS]:
            queryset = queryset.filter(search_text__contains=word)
        return queryset, False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """No address filters by what its reader must not see: `?email__startswith=a` would tell it bit by bit."""
        if lookup.partition("__")[0] in hidden_fields(request.user):
            return False
        return super().lookup_allowed(lookup, value, request)

    def get_fieldsets(self, request: HttpRequest, obj: Expert | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if hidden_fields(request.user):
            fieldsets = [each for each in fieldsets if each[1]["fields"] != CONTACT]
        may_save = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        needless = PHOTO_FIELDS if not may_save else () if obj and obj.photo_file else (REMOVE_PHOTO,)
        fieldsets = [
            (name, {**options, "fields": [each for each in options["fields"] if each not in needless]})
            for name, options in fieldsets
        ]
        if obj is None:
            return fieldsets
        if self.has_change_permission(request, obj):
            fieldsets = [*fieldsets, (None, {"fields": ("seen_at",)})]
        return [*fieldsets, (gettext_lazy("Findability"), {"fields": ("findability_advice",)})]

    @admin.display(description=gettext_lazy("score"))
    def findability_advice(self, expert: Expert) -> str:
        scored = findability.findability(expert, len(expert.expert_tags.all()))
        context = {"score": scored.score, "scoring": findability, "advice": scored.advice, "expert": expert}
        return render_to_string("admin/experts/expert/_findability_advice.html", context)

    @admin.action(description=gettext_lazy("Activate selected experts"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: ExpertQuerySet) -> None:
        self._set_active(request, queryset, active=True)

    @admin.action(description=gettext_lazy("Deactivate selected experts"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: ExpertQuerySet) -> None:
        self._set_active(request, queryset, active=False)

    def _set_active(self, request: HttpRequest, queryset: ExpertQuerySet, *, active: bool) -> None:
        assert isinstance(request.user, User)
        changed = 0
        with transaction.atomic():
            ids = list(queryset.filter(is_active=not active).order_by().values_list("pk", flat=True))
            for start in range(0, len(ids), BATCH):  # the parameters of a statement are limited
                batch = ids[start : start + BATCH]
                experts = Expert.objects.filter(pk__in=batch)
                changed += experts.activate() if active else experts.deactivate()
                log_changed(request.user, batch, ["is_active"])
        if active:
            sentence = ngettext("%s expert activated.", "%s experts activated.", changed)
        else:
            sentence = ngettext("%s expert deactivated.", "%s experts deactivated.", changed)
        messages.success(request, format_html("{} {}", sentence % changed, what_follows(request, changed)))

    @admin.action(description=gettext_lazy("Export selected experts as CSV"), permissions=["view"])
    def export(self, request: HttpRequest, queryset: ExpertQuerySet) -> HttpResponse:
        file = io.StringIO()
        write_csv(
            queryset.prefetch_related(None).iterator(chunk_size=BATCH), file, hidden=hidden_fields(request.user)
        )
        name = f"experts-{timezone.localdate():%Y-%m-%d}.csv"
        return HttpResponse(
            "\ufeff" + file.getvalue(),  # tells spreadsheets that it is UTF-8
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
