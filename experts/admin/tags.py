"""Tags in Django admin. Every change leaves an entry in the history, also when many tags change at once."""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy, ngettext

from experts.admin.filters import UsedFilter
from experts.admin.folded_search import FoldedSearch
from experts.admin.forms import TagForm
from experts.admin_history import log_changed
from experts.models import ExpertTag, Tag

NEXT_RUN = gettext_lazy("Tags are assigned again by the next rebuild, or by “Re-tag only”.")


@admin.register(Tag)
class TagAdmin(FoldedSearch):
    when_empty = gettext_lazy(
        "No tags yet. Add a tag with a description, and the next rebuild assigns it to the experts it fits."
    )
    form = TagForm
    list_display = ("name", "kind", "is_active", "automatic", "manual", "description")
    list_filter = ("kind", "is_active", UsedFilter)
    search_fields = ("name", "description")
    search_help_text = gettext_lazy("Searches name and description.")
    view_on_site = False
    actions = ("activate", "deactivate")

    class Media:
        css = {"all": ("experts/admin.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:
        by_source = {
            source: Count("expert_tags", filter=Q(expert_tags__source=source)) for source in ExpertTag.Source
        }
        return super().get_queryset(request).annotate(**by_source)

    def save_model(self, request: HttpRequest, obj: Tag, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.changed_data and (obj.is_active or "is_active" in form.changed_data):
            messages.info(request, NEXT_RUN)

    @admin.display(description=gettext_lazy("automatic"), ordering=ExpertTag.Source.AUTO.value)
    def automatic(self, tag: Tag) -> SafeString | str:
        return self._experts_link(tag, ExpertTag.Source.AUTO)

    @admin.display(description=gettext_lazy("manual"), ordering=ExpertTag.Source.MANUAL.value)
    def manual(self, tag: Tag) -> SafeString | str:
        return self._experts_link(tag, ExpertTag.Source.MANUAL)

    def _experts_link(self, tag: Tag, source: ExpertTag.Source) -> SafeString | str:
        count = int(getattr(tag, source.value, 0))
        if not count:
            return "0"
        address = reverse("admin:experts_expert_changelist", query={tag.kind: f"{tag.pk}.{source.value}"})
        return format_html('<a href="{}">{}</a>', address, f"{count:,}")

    @admin.action(description=gettext_lazy("Activate selected tags"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Tag]) -> None:
        self._set_active(request, queryset, active=True)

    @admin.action(description=gettext_lazy("Deactivate selected tags"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Tag]) -> None:
        self._set_active(request, queryset, active=False)

    def _set_active(self, request: HttpRequest, queryset: QuerySet[Tag], *, active: bool) -> None:
        assert isinstance(request.user, User)
        with transaction.atomic():
            ids = list(queryset.filter(is_active=not active).order_by().values_list("pk", flat=True))
            changed = Tag.objects.filter(pk__in=ids).update(is_active=active)
            log_changed(request.user, ids, ["is_active"], Tag)
        if active:
            sentence = ngettext("%s tag activated.", "%s tags activated.", changed)
        else:
            sentence = ngettext("%s tag deactivated.", "%s tags deactivated.", changed)
        messages.success(request, sentence % changed)
        if changed:
            messages.info(request, NEXT_RUN)
