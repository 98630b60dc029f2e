"""List the experts who are selected on the map, and add a tag to those selected there or in its table."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from experts.follow_up import what_follows
from experts.models import Expert, Tag
from experts.numbers import whole_number
from experts.tagging.manual import TaggingResult, add_manual_tag
from indexing.console.access import VIEW, ConsoleRequest, allowed, may

AT_ONCE = 10_000
"""Experts who can be tagged together. Each adds an entry to the history; for more, a rule fits better."""
LISTED = 100
TAG = "experts.add_experttag"
"""The permission that the admin requires for adding a tag to an expert."""


@require_POST
@never_cache
@allowed(VIEW)
def selection(request: ConsoleRequest) -> HttpResponse:
    """The list of the selected experts. Nothing is changed; it is a POST because an address cannot hold the ids."""
    ids = selected_ids(request.POST)
    total = max(whole_number(request.POST.get("total")), len(ids))
    found = Expert.objects.active().filter(pk__in=ids[:LISTED]).order_by("last_name", "first_name", "username")
    context = {
        "people": list(found),
        "ids": ",".join(map(str, ids)),
        "count": total,
        "more": len(ids) - len(ids[:LISTED]),
        "too_many": total > AT_ONCE,
        "limit": AT_ONCE,
        "tags": tag_choices(),
        "may_tag": may(request.user, TAG),
    }
    return render(request, "indexing/map/_selected.html", context)


@require_POST
@never_cache
@allowed(TAG)
def tag_people(request: ConsoleRequest) -> HttpResponse:
    """Add `tag` to the experts in `ids` (comma-separated, of the map) and in `expert` (one each, of the table)."""
    ids = selected_ids(request.POST)
    tag = Tag.objects.filter(pk=whole_number(request.POST.get("tag"))).first()
    if not ids:
        return _respond(request, _("Nobody is selected. Tick experts in the table, or draw around points."), 422)
    if tag is None:
        return _respond(request, _("Choose a tag."), 422)
    if len(ids) > AT_ONCE:
        sentence = _("%(count)s experts are selected. At most %(limit)s can be tagged at once.")
        return _respond(request, sentence % {"count": len(ids), "limit": AT_ONCE}, 422)
    try:
        done = add_manual_tag(ids, tag, request.user)
    except Tag.DoesNotExist:
        return _respond(request, _("The tag has just been deleted. Choose another one."), 409)
    follows = what_follows(request, done.added + done.made_manual)
    return _respond(request, format_html("{} {}", _result_sentence(done, tag), follows))


def selected_ids(form: QueryDict) -> list[int]:
    """The ids that a form names, each once, in order; anything else is ignored."""
    texts = [*form.get("ids", "").split(","), *form.getlist("expert")]
    return list(dict.fromkeys(pk for text in texts if (pk := whole_number(text))))


def tag_choices() -> list[tuple[str, list[Tag]]]:
    """The active tags by kind: (label of the kind, tags)."""
    tags = list(Tag.objects.filter(is_active=True))
    return [(str(label), [tag for tag in tags if tag.kind == kind]) for kind, label in Tag.Kind.choices]


def _result_sentence(done: TaggingResult, tag: Tag) -> str:
    changed = done.added + done.made_manual
    sentence = ngettext(
        "Added “%(tag)s” to %(count)s expert manually.", "Added “%(tag)s” to %(count)s experts manually.", changed
    ) % {"tag": tag, "count": changed}
    if done.already:
        sentence += " " + ngettext("%s already had it.", "%s already had it.", done.already) % done.already
    if done.deleted:
        sentence += " " + ngettext("%s no longer exists.", "%s no longer exist.", done.deleted) % done.deleted
    return sentence


def _respond(request: ConsoleRequest, sentence: str, status: int = 200) -> HttpResponse:
    """Respond with a notice for htmx, otherwise with a redirect to the form's page, which shows the sentence."""
    level = "success" if status == 200 else "error"
    if request.htmx:
        context = {"level": level, "sentence": sentence}
        return render(request, "indexing/shared/_notice.html", context, status=status)
    messages.add_message(request, messages.SUCCESS if status == 200 else messages.ERROR, sentence)
    back = request.POST.get("back", "")
    here = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(back if here else reverse("index:map"))
