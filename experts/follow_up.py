"""What follows from a change of the directory: it can be searched after the next rebuild."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString


def what_follows(request: HttpRequest, count: int) -> SafeString:
    """A sentence about `count` changed experts, with the way to rebuild for whoever may; "" for none."""
    if not count:
        return SafeString("")
    context = {"count": count, "may_rebuild": request.user.has_perm("indexing.rebuild")}
    return render_to_string("admin/experts/expert/_what_follows.html", context, request)
