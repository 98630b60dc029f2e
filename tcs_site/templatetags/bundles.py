"""Links to static files that are loaded together."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tcs_site.static_files.bundles import BUNDLES, PRINTED

register = template.Library()


@register.simple_tag
def bundle(name: str, *, now: bool = False) -> SafeString:
    """The bundle, or each of its files where none is prepared. `now`: a script that runs before the page is shown."""
    files = (name,) if settings.STATIC_ROOT else BUNDLES[name]
    return format_html_join("\n", "{}", ((_link(file, now),) for file in files))


def _link(file: str, now: bool) -> SafeString:
    address = static(file)
    if file.endswith(".js"):
        return format_html('<script src="{}"{}></script>', address, "" if now else " defer")
    media = SafeString(' media="print"') if file.endswith(PRINTED) else ""
    return format_html('<link rel="stylesheet" href="{}"{}>', address, media)
