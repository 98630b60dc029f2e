"""Texts of others with some of their words marked: those of a query, or those that changed."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from experts.cards import TagName
from experts.safe_text import without_bidi_controls
from indexing.console.search import cards
from indexing.console.search.cards import NOTHING
from indexing.console.text_diff import Piece
from indexing.runlog.line_filter import LineFilter
from indexing.search import Hit
from indexing.search.best_passages import DocumentPassage
from indexing.search.highlights import Marker

register = template.Library()


@register.filter
def marked(text: object, marker: Marker | None) -> SafeString:
    """Escaped, the marker's words in <mark>; a page that marks nothing has no marker."""
    return (marker or NOTHING).marked(without_bidi_controls(str(text)))


@register.filter
def excerpt(hit: Hit, marker: Marker | None) -> SafeString:
    """What a hit's bio says about the query: the passage nearest to it, or the part with most of its words."""
    return (marker or NOTHING).excerpt(hit.expert.bio, hit.passage)


@register.filter
def document_excerpt(passage: DocumentPassage, marker: Marker | None) -> SafeString:
    return (marker or NOTHING).excerpt_of_document(passage)


@register.filter
def marked_tags(tags: Iterable[TagName], marker: Marker | None) -> SafeString:
    return cards.marked_tags(tags, marker or NOTHING)


@register.filter
def marked_words(message: str, wanted: LineFilter) -> SafeString:
    """The same as `isolated`, with the text that was searched for in <mark>."""
    return format_html("<bdi>{}</bdi>", wanted.marked(without_bidi_controls(message)))


@register.filter
def pieces(side: Iterable[Piece], tag: str) -> SafeString:
    """One side of a changed text, escaped; what differs is in an element `tag`, "del" or "ins"."""
    marked_pieces = (
        format_html("<{}>{}</{}>", tag, without_bidi_controls(piece.text), tag)
        if piece.differs
        else without_bidi_controls(piece.text)
        for piece in side
    )
    return format_html_join("", "{}", ((piece,) for piece in marked_pieces))
