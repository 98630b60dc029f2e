"""Middleware that shows times in the reader's zone."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from indexing.lib import times


def reader_time_zone(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def in_zone(request: HttpRequest) -> HttpResponse:
        with timezone.override(times.zone_of(request.COOKIES)):
            return get_response(request)

    return in_zone
