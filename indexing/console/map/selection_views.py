"""What is done with people chosen on the map or in its table: they are listed, and tagged together."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from experts.models import Expert, Tag
from experts.tagging.manual import TaggingResult, add_manual_tag
from indexing.console.access import VIEW, ConsoleRequest, allowed, may
from indexing.console.responses import number

AT_ONCE = 10_000
"""Experts tagged together: each leaves an entry in the history, and more than that is a rule, not a choice."""
LISTED = 100
TAG = "experts.add_experttag"
"""What the admin asks of those who give an expert a tag."""


@require_POST
@never_cache
@allowed(VIEW)
def selection(request: ConsoleRequest) -> HttpResponse:
    """The list of those chosen on the map. It changes nothing; so many ids have no place in an address."""
    ids = chosen(request.POST)
    total = max(number(request.POST.get("total")), len(ids))
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
        "may_open_experts": may(request.user, "experts.view_expert", "experts.change_expert"),
    }
    return render(request, "indexing/map/_selected.html", context)


@require_POST
@never_cache
@allowed(TAG)
def tag_people(request: ConsoleRequest) -> HttpResponse:
    """Gives `tag` to all in `ids` (comma-separated, from the map) and in `expert` (one each, from the table)."""
    ids = chosen(request.POST)
    tag = Tag.objects.filter(pk=number(request.POST.get("tag"))).first()
    if not ids:
        return _answer(request, _("Nobody is chosen: tick somebody in the table, or draw around points."), 422)
    if tag is None:
        return _answer(request, _("Choose a tag."), 422)
    if len(ids) > AT_ONCE:
        sentence = _("%(count)s experts are chosen; at most %(limit)s can be tagged at once.")
        return _answer(request, sentence % {"count": len(ids), "limit": AT_ONCE}, 422)
    try:
        done = add_manual_tag(ids, tag, request.user)
    except Tag.DoesNotExist:
        return _answer(request, _("The tag was deleted meanwhile."), 409)
    return _answer(request, _sentence(done, tag))


def chosen(form: QueryDict) -> list[int]:
    """The ids that a form names, each once, in order; what is no id is passed over."""
    named = [*form.get("ids", "").split(","), *form.getlist("expert")]
    return list(dict.fromkeys(pk for each in named if (pk := number(each))))


def tag_choices() -> list[tuple[str, list[Tag]]]:
    tags = list(Tag.objects.filter(is_active=True))
    return [(str(label), [tag for tag in tags if tag.kind == kind]) for kind, label in Tag.Kind.choices]


def _sentence(done: TaggingResult, tag: Tag) -> str:
    changed = done.added + done.made_manual
    sentence = ngettext(
        "%(count)s expert was given “%(tag)s” by hand.", "%(count)s experts were given “%(tag)s” by hand.", changed
    ) % {"tag": tag, "count": changed}
    if done.already:
        sentence += " " + ngettext("%s had it already.", "%s had it already.", done.already) % done.already
    if done.deleted:
        sentence += (
            " " + ngettext("%s was deleted meanwhile.", "%s were deleted meanwhile.", done.deleted) % done.deleted
        )
    return sentence


def _answer(request: ConsoleRequest, sentence: str, status: int = 200) -> HttpResponse:
    """To htmx a notice; else back to where the form was, which shows the same."""
    level = "success" if status == 200 else "error"
    if request.htmx:
        context = {"level": level, "sentence": sentence}
        return render(request, "indexing/shared/_notice.html", context, status=status)
    messages.add_message(request, messages.SUCCESS if status == 200 else messages.ERROR, sentence)
    back = request.POST.get("back", "")
    here = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(back if here else reverse("index:map"))
