"""What the frame of the finder's pages asks."""

from __future__ import annotations

from django import template

from indexing.lib.rights import may

register = template.Library()


@register.simple_tag(takes_context=True)
def may_search(context: template.Context) -> bool:
    return "user" in context and may(context["user"])
