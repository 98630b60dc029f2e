"""What changes a shortlist: the star, and the forms on its page."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from experts.models import Expert, Shortlist, ShortlistEntry
from experts.numbers import whole_number
from experts.shortlists import changes
from indexing import audit
from indexing.console.access import ConsoleRequest, actor, allowed, may
from indexing.console.shortlists.access import own

Change = Callable[[ConsoleRequest, Shortlist], None]


@require_POST
@never_cache
@allowed()
def star(request: ConsoleRequest) -> HttpResponse:
    """Add the expert to the current list or take them off; for htmx the button as it is then.

    Raises Http404 without such an active expert.
    """
    expert: Expert = get_object_or_404(Expert.objects.active(), pk=whole_number(request.POST.get("expert")))
    try:
        starred = changes.star(request.user, expert)
    except changes.ListIsFull:
        starred = False
        messages.warning(request, _("The shortlist is full. Start another one."))
    if request.htmx:
        context = {"key": expert.pk, "name": str(expert), "starred": starred, "star_page": request.path}
        return render(request, "indexing/shortlists/_star.html", context)
    back = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if is_ours else expert.get_absolute_url())


@require_POST
@never_cache
@allowed()
def change(request: ConsoleRequest, shortlist_id: int) -> HttpResponse:
    """Do what the button `do` says with one's own list. Raises Http404 for another list, entry or button."""
    shortlist = own(request, shortlist_id)
    act = CHANGES.get(request.POST.get("do", ""))
    if act is None:
        raise Http404
    act(request, shortlist)
    return redirect("shortlists" if act is _delete else shortlist.get_absolute_url())


def _entry(request: ConsoleRequest, shortlist: Shortlist) -> ShortlistEntry:
    entry: ShortlistEntry = get_object_or_404(shortlist.entries, pk=whole_number(request.POST.get("entry")))
    return entry


def _rename(request: ConsoleRequest, shortlist: Shortlist) -> None:
    if name := changes.clean_name(request.POST.get("name", "")):
        Shortlist.objects.filter(pk=shortlist.pk).update(name=name)


def _use(_request: ConsoleRequest, shortlist: Shortlist) -> None:
    changes.touch(shortlist)


def _delete(request: ConsoleRequest, shortlist: Shortlist) -> None:
    was_shared = shortlist.readers.exists() or shortlist.links.filter(expires_at__gt=timezone.now()).exists()
    shortlist.delete()
    if was_shared:
        _record(request, shortlist, gettext_noop("Deleted the shortlist “%(name)s”, which others could read."))


def _note(request: ConsoleRequest, shortlist: Shortlist) -> None:
    entry = _entry(request, shortlist)
    entry.note = request.POST.get("note", "").replace("\r\n", "\n").replace("\0", "").strip()[: changes.LONGEST_NOTE]
    entry.save(update_fields=["note"])


def _remove(request: ConsoleRequest, shortlist: Shortlist) -> None:
    _entry(request, shortlist).delete()


def _up(request: ConsoleRequest, shortlist: Shortlist) -> None:
    changes.move(_entry(request, shortlist), -1)


def _down(request: ConsoleRequest, shortlist: Shortlist) -> None:
    changes.move(_entry(request, shortlist), 1)


def _share(request: ConsoleRequest, shortlist: Shortlist) -> None:
    """With one colleague, who must be able to search."""
    name = request.POST.get("username", "").replace("\0", "").strip()
    colleague = User.objects.filter(username__iexact=name).exclude(pk=request.user.pk).first() if name else None
    if colleague is None or not may(colleague):
        messages.warning(request, _("Nobody who may search has the username “%(name)s”.") % {"name": name[:150]})
    elif not shortlist.readers.filter(pk=colleague.pk).exists():
        shortlist.readers.add(colleague)
        shared = gettext_noop("Shared the shortlist “%(name)s” with %(reader)s.")
        _record(request, shortlist, shared, reader=colleague)


def _unshare(request: ConsoleRequest, shortlist: Shortlist) -> None:
    stopped = gettext_noop("Stopped sharing the shortlist “%(name)s” with %(reader)s.")
    for reader in User.objects.filter(shared_shortlists=shortlist, pk=whole_number(request.POST.get("reader"))):
        shortlist.readers.remove(reader)
        _record(request, shortlist, stopped, reader=reader)


def _link(request: ConsoleRequest, shortlist: Shortlist) -> None:
    days = whole_number(request.POST.get("days"))
    if days not in changes.LINK_DAYS:
        raise Http404
    if link := changes.make_link(shortlist, days):
        made = gettext_noop("Made a link with which anybody can read the shortlist “%(name)s” until %(end)s.")
        _record(request, shortlist, made, end=f"{link.expires_at:%Y-%m-%d}")
    else:
        messages.warning(request, _("The list has as many links as possible. Remove one first."))


def _unlink(request: ConsoleRequest, shortlist: Shortlist) -> None:
    removed, _models = shortlist.links.filter(pk=whole_number(request.POST.get("link"))).delete()
    if removed:
        _record(request, shortlist, gettext_noop("Removed a link to the shortlist “%(name)s”."))


def _record(request: ConsoleRequest, shortlist: Shortlist, text: str, **values: object) -> None:
    """In the history, as whoever decides over the directory has to know who else can read of it."""
    audit.record(actor(request), text, name=str(shortlist), **{name: str(value) for name, value in values.items()})


CHANGES: dict[str, Change] = {
    "rename": _rename,
    "use": _use,
    "delete": _delete,
    "note": _note,
    "remove": _remove,
    "up": _up,
    "down": _down,
    "share": _share,
    "unshare": _unshare,
    "link": _link,
    "unlink": _unlink,
}
