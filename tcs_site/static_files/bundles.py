"""Files that most pages need together: one request for each bundle instead of one for each file."""

from __future__ import annotations

SITE = ("indexing/shared/drafts.js", "indexing/shared/time_zone.js", "indexing/finder/jump.js")
HTMX = ("django_htmx/htmx-2.min.js", "django_htmx/ext/hx-ws-2.min.js")

BUNDLES = {
    "indexing/shared/site-bundle.css": (
        "indexing/finder/base.css",
        "indexing/search/search.css",
        "indexing/shared/cards.css",
        "indexing/shared/star.css",
        "indexing/header/header.css",
        "indexing/shared/print.css",
    ),
    "indexing/shared/head-bundle.js": ("indexing/shared/session.js", "admin/js/theme.js"),
    "indexing/shared/site-bundle.js": SITE,
    "indexing/search/search-bundle.js": (
        *SITE,
        *HTMX,
        "indexing/search/search.js",
        "indexing/search/filters.js",
        "indexing/search/suggest.js",
        "indexing/search/cards.js",
    ),
}
"""Each bundle and its files, in the order in which pages load them. Style sheets hold no relative addresses."""
PRINTED = "print.css"
"""Ends the name of a style sheet for paper only."""


def joined(name: str, contents: list[str]) -> str:
    """The bundle of that name, of what its files contain. A script in it may not spoil the next one's first line."""
    parts = []
    for source, content in zip(BUNDLES[name], contents, strict=True):
        if source.endswith(PRINTED):
            content = f"@media print {{\n{content}\n}}"
        parts.append(content)
    return ("\n;\n" if name.endswith(".js") else "\n").join(parts) + "\n"
