"""Rejects an automatic tag of one expert for good, and takes that back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from experts.follow_up import what_follows
from experts.models import Expert, Tag
from experts.numbers import whole_number
from experts.safe_text import without_bidi_controls
from experts.tagging import rejections
from indexing.console.access import ConsoleRequest, allowed

EDIT = "experts.change_expert"


@require_POST
@never_cache
@allowed(EDIT)
def reject_tag(request: ConsoleRequest, expert_id: int) -> HttpResponse:
    """Raises Http404 without such an expert or tag."""
    expert, tag = _found(request, expert_id)
    if rejections.reject(expert, tag, request.user):
        sentence = _("{} is rejected: it will not be given to {} automatically again.")
        said = _about(sentence, tag, expert)
        messages.success(request, format_html("{} {}", said, what_follows(request, 1)))
    else:
        messages.warning(request, _about(_("{} is not an automatic tag of {} any more."), tag, expert))
    return redirect(f"{expert.get_absolute_url()}#tags")


@require_POST
@never_cache
@allowed(EDIT)
def restore_tag(request: ConsoleRequest, expert_id: int) -> HttpResponse:
    """Raises Http404 without such an expert or tag."""
    expert, tag = _found(request, expert_id)
    if rejections.restore(expert, tag, request.user):
        messages.success(request, _about(_("{} is back. The next run decides whether {} keeps it."), tag, expert))
    return redirect(f"{expert.get_absolute_url()}#tags")


def _found(request: ConsoleRequest, expert_id: int) -> tuple[Expert, Tag]:
    expert: Expert = get_object_or_404(Expert, pk=expert_id)
    tag: Tag = get_object_or_404(Tag, pk=whole_number(request.POST.get("tag")))
    return expert, tag


def _about(sentence: str, tag: Tag, expert: Expert) -> str:
    return format_html(sentence, f"“{without_bidi_controls(tag.name)}”", str(expert))
