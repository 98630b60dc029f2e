"""The preview of a tag: a page of its own, and a panel beside the tag's form in the admin."""

from __future__ import annotations

import math
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from experts.models import Tag
from experts.numbers import whole_number
from experts.tagging.assignment import TagSpec
from indexing.console.access import ConsoleRequest, allowed
from indexing.console.responses import page_or_fragment
from indexing.errors import MeaningUnavailable, NoIndexYet
from indexing.lib.translation import translated
from indexing.quality import tag_preview


class TagPreviewForm(forms.Form):
    """A tag as typed. Whether its name is already taken does not matter here."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80, widget=forms.TextInput({"class": "vTextField"}))
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=Tag.Kind.choices,
        error_messages={"required": gettext_lazy("Choose a kind. Each expert keeps their best tags of each.")},
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        max_length=300,
        widget=forms.Textarea({"rows": 3}),
        help_text=gettext_lazy("One sentence describing who should get this tag."),
    )
    threshold = forms.FloatField(required=False)

    def clean_threshold(self) -> float:
        """The least cosine similarity; TCS_TAG_THRESHOLD if empty. Raises ValidationError if not from 0 to 1."""
        threshold = self.cleaned_data["threshold"]
        if threshold is None:
            return float(settings.TCS_TAG_THRESHOLD)
        if not (math.isfinite(threshold) and 0 <= threshold <= 1):
            raise forms.ValidationError(_("The threshold is %s. It must be between 0 and 1.") % threshold)
        return float(threshold)

    def spec(self, tag_id: int) -> TagSpec:
        """Name and description on one line each, as the admin's form saves them."""
        cleaned = {name: " ".join(self.cleaned_data[name].split()) for name in ("name", "description")}
        return TagSpec(tag_id, cleaned["name"], self.cleaned_data["kind"], cleaned["description"])


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed("experts.view_tag", "experts.change_tag", "experts.add_tag")
def tag_preview_page(request: ConsoleRequest) -> HttpResponse:
    """Preview the tag that the parameters describe; nothing is saved. For htmx, only the panel.

    `tag` is the id of a saved tag, whose text is used for what is not given. The tag's form sends POST, so that its
    CSRF token does not end up in an address.
    """
    parameters = request.POST if request.method == "POST" else request.GET
    saved = get_object_or_404(Tag, pk=whole_number(request.GET["tag"])) if request.GET.get("tag") else None
    given = {"kind": Tag.Kind.DOMAIN.value, "threshold": f"{settings.TCS_TAG_THRESHOLD:.2f}"}
    if saved:
        given |= {"name": saved.name, "kind": saved.kind, "description": saved.description}
    given |= {name: parameters[name] for name in TagPreviewForm.base_fields if name in parameters}
    form = TagPreviewForm(given)
    context, status = _answer(form, saved)
    context |= {
        "title": _("Tag preview"),
        "form": form,
        "tag": saved,
        "inactive": _is_inactive(request, saved),
    }
    return page_or_fragment(
        request,
        context,
        page="indexing/lab/tag_preview.html",
        fragment="indexing/lab/_tag_preview.html",
        status=status,
    )


def _answer(form: TagPreviewForm, saved: Tag | None) -> tuple[dict[str, Any], int]:
    """What to show, and the status of a whole page: htmx would not show what comes with an error status."""
    if not (form.data.get("name", "").strip() and form.data.get("description", "").strip()):
        return {
            "view": "sentence",
            "sentence": _("Type a name and a description. Both decide who gets it."),
        }, 200
    if not form.is_valid():
        sentences = [str(sentence) for errors in form.errors.values() for sentence in errors]
        return {"view": "sentence", "sentence": " ".join(sentences)}, 400
    try:
        shown = tag_preview.preview_tag(
            form.spec(saved.pk if saved else tag_preview.NEW), form.cleaned_data["threshold"]
        )
    except (NoIndexYet, MeaningUnavailable) as error:
        return {"view": "sentence", "sentence": translated(error)}, error.status
    most = max(step.experts for step in shown.steps)
    return {"view": "preview", "shown": shown, "most": max(most, 1)}, 200


def _is_inactive(request: ConsoleRequest, saved: Tag | None) -> bool:
    """Whether “active” is unticked in the tag's form, or else in the saved tag.

    The form sends `form=1`, since the browser does not send a box that is not ticked.
    """
    parameters = request.POST if request.method == "POST" else request.GET
    if "form" in parameters:
        return "is_active" not in parameters
    return saved is not None and not saved.is_active
