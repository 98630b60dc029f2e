"""The pages of shortlists: all of them, one, some experts side by side, the sheet, and what a link shows."""

from __future__ import annotations

import io
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from experts.models import Expert, Shortlist
from experts.numbers import whole_number
from experts.shortlists import changes
from experts.shortlists.sheet import write_sheet
from indexing.console.access import ConsoleRequest, allowed, may
from indexing.console.shortlists.access import entries_of, own, readable

CONTACT = "experts.view_contact"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SIDE_BY_SIDE = 4


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed()
def shortlists_page(request: ConsoleRequest) -> HttpResponse:
    """The reader's own lists and those that are shared with them; a POST makes a list with the name `name`."""
    problem = ""
    if request.method == "POST":
        try:
            return redirect(changes.create(request.user, request.POST.get("name", "")))
        except changes.ListIsFull:
            problem = _("You have as many shortlists as possible. Delete one first.")
    mine = Shortlist.objects.filter(owner=request.user).prefetch_related("entries")
    shared = Shortlist.objects.filter(readers=request.user).select_related("owner").prefetch_related("entries")
    context = {"mine": mine, "shared": shared, "problem": problem}
    return render(request, "indexing/shortlists/all.html", _rights(request) | context)


@require_safe
@never_cache
@allowed()
def shortlist_page(request: ConsoleRequest, shortlist_id: int) -> HttpResponse:
    """Raises Http404 unless the list is the reader's own or shared with them."""
    shortlist = readable(request, shortlist_id)
    is_own = shortlist.owner_id == request.user.pk
    links = shortlist.links.filter(expires_at__gt=timezone.now()) if is_own else []
    context = {
        "shortlist": shortlist,
        "entries": entries_of(shortlist),
        "is_own": is_own,
        "readers": shortlist.readers.order_by("username") if is_own else [],
        "links": [(link, _link_address(request, changes.token_of(link))) for link in links],
        "link_days": changes.LINK_DAYS,
    }
    return render(request, "indexing/shortlists/one.html", _rights(request) | context)


@require_safe
@never_cache
@allowed()
def compare_page(request: ConsoleRequest, shortlist_id: int) -> HttpResponse:
    """Up to SIDE_BY_SIDE experts of the list, those in `expert`. Raises Http404 as the list does."""
    shortlist = readable(request, shortlist_id)
    wanted = {whole_number(text) for text in request.GET.getlist("expert")}
    chosen = [each for each in entries_of(shortlist) if each.expert and each.expert.is_active and each.pk in wanted]
    ids = [entry.expert_id for entry in chosen[:SIDE_BY_SIDE]]
    experts = Expert.objects.prefetch_related("tags").in_bulk(ids)
    columns = [(experts[entry.expert_id], entry) for entry in chosen[:SIDE_BY_SIDE] if entry.expert_id in experts]
    context = {"shortlist": shortlist, "columns": columns, "most": SIDE_BY_SIDE}
    return render(request, "indexing/shortlists/compare.html", _rights(request) | context)


@require_GET
@never_cache
@allowed()
def sheet(request: ConsoleRequest, shortlist_id: int) -> HttpResponse:
    """The list as an Excel file, with contacts for those who may see them. Raises Http404 as the list does."""
    shortlist = readable(request, shortlist_id)
    file = io.BytesIO()
    write_sheet(entries_of(shortlist), file, with_contact=may(request.user, CONTACT))
    name = slugify(shortlist.name, allow_unicode=True) or "shortlist"
    response = HttpResponse(file.getvalue(), content_type=SHEET)
    response.headers["Content-Disposition"] = content_disposition_header(True, f"{name}.xlsx") or "attachment"
    return response


@require_safe
@never_cache
def shared_page(request: HttpRequest, token: str) -> HttpResponse:
    """For anybody with the address: names, roles, places and bios; no contact, notes, rates or inactive people.

    As long as the owner of the list may search: nobody shows others what they must not see any more.
    """
    link = changes.link_of(token)
    if link is None or not may(link.shortlist.owner):
        return render(request, "indexing/shortlists/no_link.html", status=404)
    shown = [entry.expert for entry in entries_of(link.shortlist) if entry.expert and entry.expert.is_active]
    missing = link.shortlist.entries.count() - len(shown)
    context = {"link": link, "shortlist": link.shortlist, "experts": shown, "missing": missing}
    page = render(request, "indexing/shortlists/shared.html", context)
    page.headers["X-Robots-Tag"] = "noindex, nofollow"  # an address that was posted somewhere must not be found
    return page


@require_safe
@never_cache
@allowed()
def delete_page(request: ConsoleRequest, shortlist_id: int) -> HttpResponse:
    """Asks before a list is deleted. Raises Http404 unless it is the reader's own."""
    context = _rights(request) | {"shortlist": own(request, shortlist_id)}
    return render(request, "indexing/shortlists/delete.html", context)


def _link_address(request: ConsoleRequest, token: str) -> str:
    return request.build_absolute_uri(f"/shared/{token}/")


def _rights(request: ConsoleRequest) -> dict[str, Any]:
    return {"may_see_contact": may(request.user, CONTACT)}
