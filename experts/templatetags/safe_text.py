"""Filters that show text of others inside a line of ours."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from experts import safe_text

register = template.Library()


@register.filter
def isolated(text: object) -> SafeString:
    """The text, escaped, in an element whose writing direction does not affect the text around it."""
    return format_html("<bdi>{}</bdi>", safe_text.without_bidi_controls(str(text)))


@register.filter
def without_bidi_controls(text: object) -> str:
    """The text for places where no element can stand, such as a title or an attribute."""
    return safe_text.without_bidi_controls(str(text))
