"""The admin's own lists of API tokens, synonyms and notifications, and its forms for search tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy, ngettext

from experts.admin.folded_search import FoldedSearch
from experts.importing.errors import ImportFailed
from experts.safe_text import without_bidi_controls
from indexing.lib import times
from indexing.models import ApiToken, Notification, SearchTest, Synonym
from indexing.models.tokens import ApiTokenQuerySet
from indexing.quality import synonym_files, synonym_trial
from indexing.quality.search_test_form import SearchTestForm
from indexing.quality.synonym_files import ImportedSynonyms, SynonymsRefused
from indexing.quality.synonyms import SynonymFileForm, SynonymForm

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


SYNONYMS_NEXT = gettext_lazy("Synonyms take effect with the next rebuild.")


def _moment_column(field: str, title: StrPromise) -> Callable[[Any], str]:
    """A column of a list: when, with the exact time as its title."""

    @admin.display(description=title, ordering=field)
    def column(row: Any) -> str:
        at = getattr(row, field)
        return times.as_element(at, times.moment(at)) if at else "–"

    column.__name__ = field  # the class of the column's cells
    return column


@admin.register(ApiToken)
class ApiTokenAdmin(FoldedSearch):
    """Shows who has a token, and revokes it. Tokens are created on the API page or by signing in to the API, and
    cannot be read again."""

    when_empty = gettext_lazy(
        "No API tokens yet. Create one on the API page; a program gets one by signing in at /api/admin/auth."
    )
    list_display = (
        "user",
        "name_shown",
        _moment_column("created_at", gettext_lazy("issued")),
        _moment_column("expires_at", gettext_lazy("expires")),
        _moment_column("revoked_at", gettext_lazy("revoked")),
        "works",
    )
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    search_fields = ("user__username", "name")
    fields = readonly_fields = ("user", "name_shown", "created_at", "expires_at", "revoked_at", "works")
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=gettext_lazy("name"), ordering="name")
    def name_shown(self, token: ApiToken) -> str:
        return without_bidi_controls(token.name) or "–"

    @admin.display(boolean=True, description=gettext_lazy("valid"))
    def works(self, token: ApiToken) -> bool:
        return token.works

    @admin.action(description=gettext_lazy("Revoke selected API tokens"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: ApiTokenQuerySet) -> None:
        for token in queryset.unrevoked():
            self.log_change(request, token, [{"changed": {"fields": [str(gettext_lazy("revoked"))]}}])
        count = queryset.revoke()
        messages.success(request, ngettext("%s token revoked.", "%s tokens revoked.", count) % count)


@admin.register(SearchTest)
class SearchTestAdmin(FoldedSearch):
    """The forms that add, change and delete one search test. The list of them is the console's page."""

    form = SearchTestForm
    fields = ("text", "k", "expected", "unwanted", "is_active")
    search_fields = ("text",)
    autocomplete_fields = ("expected", "unwanted")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """To that page. Raises PermissionDenied for those who may see no search test."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return redirect("index:search-tests")


@admin.register(Synonym)
class SynonymAdmin(admin.ModelAdmin):
    """Synonyms. They take effect with the next version, and can be tried in the Lab before."""

    when_empty = gettext_lazy(
        "No synonyms yet. Add one for words that people type and profiles do not say, such as csharp for C#."
    )
    form = SynonymForm
    fields = ("typed", "found", "both_ways")
    list_display = ("typed", "found", "both_ways", _moment_column("changed_at", gettext_lazy("changed")), "in_effect")
    list_display_links = ("typed", "found")
    list_filter = ("both_ways",)
    search_fields = ("typed", "found")
    search_help_text = gettext_lazy("Searches both sides.")

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("export/", self.admin_site.admin_view(self.export), name="indexing_synonym_export"),
            path("import/", self.admin_site.admin_view(self.import_file), name="indexing_synonym_import"),
        ]
        return [*own, *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponse:
        """All synonyms as a CSV file. Raises PermissionDenied for those who may see none."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        name = f"synonyms-{timezone.localdate():%Y-%m-%d}.csv"
        return HttpResponse(
            "\ufeff" + synonym_files.as_csv(),  # tells spreadsheets that it is UTF-8
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def import_file(self, request: HttpRequest) -> HttpResponse:
        """The page that takes a CSV file. Raises PermissionDenied for those who may add no synonym."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = SynonymFileForm(request.POST or None, request.FILES or None)
        problems: list[str] = []
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data["file"].read(synonym_files.LARGEST + 1)
            try:
                done = synonym_files.import_synonyms(data, may_change=self.has_change_permission(request))
            except ImportFailed as error:
                problems = error.problems if isinstance(error, SynonymsRefused) else [str(error)]
            else:
                return self._imported(request, done)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": gettext("Import synonyms")}
        return render(request, "admin/indexing/synonym/import.html", {**context, "form": form, "problems": problems})

    def _imported(self, request: HttpRequest, done: ImportedSynonyms) -> HttpResponse:
        for synonym in done.added:
            self.log_addition(request, synonym, [{"added": {}}])
        for synonym in done.changed:
            self.log_change(request, synonym, [{"changed": {"fields": [gettext("from a file")]}}])
        counts = {"added": len(done.added), "changed": len(done.changed), "same": done.same}
        sentence = gettext("Added: %(added)d. Changed: %(changed)d. As they were: %(same)d.") % counts
        messages.success(request, sentence)
        if done.added or done.changed:
            self._say_what_follows(request)
        return redirect("admin:indexing_synonym_changelist")

    @admin.display(boolean=True, description=gettext_lazy("in the live version"))
    def in_effect(self, synonym: Synonym) -> bool:
        return synonym_trial.is_live(synonym)

    def save_model(self, request: HttpRequest, obj: Synonym, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.changed_data:
            self._say_what_follows(request)

    def delete_model(self, request: HttpRequest, obj: Synonym) -> None:
        super().delete_model(request, obj)
        self._say_what_follows(request)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Synonym]) -> None:
        super().delete_queryset(request, queryset)
        self._say_what_follows(request)

    def _say_what_follows(self, request: HttpRequest) -> None:
        link = format_html('<a href="{}">{}</a>', reverse("index:try-synonyms"), gettext("Try them first"))
        messages.info(request, format_html("{} {}", SYNONYMS_NEXT, link))


@admin.register(Notification)
class NotificationAdmin(FoldedSearch):
    """What was sent, and what could not be delivered. Read only."""

    when_empty = gettext_lazy("No notifications sent yet. Ask your administrator to configure e-mail or a webhook.")
    list_display = (
        "subject",
        "channel",
        "event",
        _moment_column("created_at", gettext_lazy("created")),
        _moment_column("sent_at", gettext_lazy("sent")),
        "attempts",
        _moment_column("given_up_at", gettext_lazy("given up")),
    )
    list_filter = ("channel", "event", "sent_at", "given_up_at")
    search_fields = ("subject", "body")
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Notification | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Notification | None = None) -> bool:
        return False
