"""What the console's views have in common: the admin's frame, numbers from addresses, words of success."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from indexing.console.access import ConsoleRequest

MAX_NUMBER = 2**31 - 1


def admin_context(request: ConsoleRequest) -> dict[str, Any]:
    return admin.site.each_context(request)


def number(text: str | None) -> int:
    """A number from the address within what the database can hold; 0 for whatever is none."""
    return min(int(text), MAX_NUMBER) if text and text.isdecimal() and len(text) < 20 else 0


def accepted(request: ConsoleRequest, sentence: str, then: str = "index:page") -> HttpResponse:
    """It is done, or will be: the page named `then` shows what comes of it."""
    if request.htmx:
        return render(request, "indexing/shared/_notice.html", {"level": "success", "sentence": sentence})
    messages.success(request, sentence)
    return redirect(then)


def conflict(request: ConsoleRequest, sentence: str) -> HttpResponse:
    """The htmx answer to what the rules do not allow now."""
    return render(request, "indexing/shared/_notice.html", {"level": "error", "sentence": sentence}, status=409)
