"""What differs from card to card in a list of experts, made and escaped once for each.

`_cards.html` puts the parts together. With templates of their own for the parts, a page of 20 cards took four times
as long, and that was half of a search.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from html import escape

from django.template.defaultfilters import floatformat
from django.urls import reverse
from django.utils.formats import get_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from experts.cards import TagName
from experts.models import Document, Expert
from experts.safe_text import without_bidi_controls
from indexing.console.words import initials
from indexing.search import Hit
from indexing.search.highlights import Marker

NOTHING = Marker(())
PLACE = 10**9
"""Stands for an expert's id in an address that is made once for all cards."""


@dataclass(frozen=True, slots=True)
class CardLinks:
    """Where the links of all cards of a page lead; a link without an address is left out."""

    results: str = ""
    """What follows the address of an expert's page, so that it knows the query."""
    filters: str = ""
    """The same for similar experts."""
    where: str = ""
    """The explanation of a result, with a query."""
    contact: str = ""
    """What follows the address of a contact."""


@dataclass(frozen=True, slots=True)
class ShownCard:
    """One expert in a list; every text is HTML, empty if there is nothing to show."""

    number: int
    """The expert's id."""
    key: SafeString
    """The same in HTML."""
    name: SafeString
    marked_name: SafeString
    initials: str
    photo: str
    """Its address."""
    profile: SafeString
    """Address of the expert's page."""
    similar: SafeString
    """Address of the page with similar experts."""
    why: SafeString
    """Address of the explanation."""
    rate: SafeString
    role: SafeString
    bio: SafeString
    passage: SafeString
    """Instead of the bio: the passage of a document, only for those who may see documents."""
    document: Document | None
    tags: SafeString
    """The category first."""
    similarity: SafeString
    """With three decimals and a point."""
    shown_similarity: SafeString
    """With two decimals, as the reader's language writes them."""
    meaning_rank: SafeString
    keyword_rank: SafeString
    starred: bool
    contact: SafeString
    """Address that leads to the profile elsewhere."""
    link: str
    """The address of that profile itself."""
    shared_tags: tuple[str, ...] = ()


class CardMaker:
    """Makes the cards of one page."""

    def __init__(
        self, links: CardLinks, starred: Collection[int], marker: Marker | None = None, *, documents: bool = False
    ) -> None:
        """`starred`: the experts on the reader's shortlist; `documents`: whether the reader may see documents."""
        self._starred, self._marker, self._documents = starred, marker or NOTHING, documents
        self._results, self._filters = escape(links.results), escape(links.filters)
        self._where, self._contact = escape(links.where), escape(links.contact)
        self._similar_page, self._contact_page = _around("similar"), _around("show-contact")
        self._meaning, self._keywords = escape(_("meaning #%(rank)s")), escape(_("keywords #%(rank)s"))
        self._point = get_format("DECIMAL_SEPARATOR")

    def cards(self, hits: Iterable[Hit]) -> list[ShownCard]:
        return [self.card(hit) for hit in hits]

    def card(self, hit: Hit, shared_tags: tuple[str, ...] = (), *, with_meaning: bool = True) -> ShownCard:
        """`with_meaning`: with the rank by meaning."""
        expert, key = hit.expert, str(hit.expert.pk)
        name = without_bidi_controls(expert.full_name)
        passage = hit.document if self._documents else None
        similarity = "" if hit.similarity is None else f"{hit.similarity:.3f}"
        return ShownCard(
            number=expert.pk,
            key=_safe(key),
            name=_safe(escape(name)),
            marked_name=self._marker.marked(name),
            initials=initials(expert.full_name),
            photo=expert.photo_address,
            profile=_safe(escape(expert.get_absolute_url()) + self._results),
            similar=_safe(key.join(self._similar_page) + self._filters),
            why=_safe(f"{self._where}&amp;expert={key}" if self._where else ""),
            rate=_rate(expert),
            role=self._role(expert),
            bio=self._marker.excerpt(expert.bio, hit.passage) if expert.bio and not passage else _safe(""),
            passage=self._marker.excerpt_of_document(passage) if passage else _safe(""),
            document=passage.document if passage else None,
            tags=_safe(_category(expert) + marked_tags(hit.tags, self._marker)),
            similarity=_safe(similarity),
            shown_similarity=self._two_decimals(hit.similarity),
            meaning_rank=_rank(self._meaning, hit.semantic_rank if with_meaning else None),
            keyword_rank=_rank(self._keywords, hit.keyword_rank),
            starred=expert.pk in self._starred,
            contact=_safe(key.join(self._contact_page) + self._contact if expert.profile_link else ""),
            link=expert.profile_link,
            shared_tags=shared_tags,
        )

    def _role(self, expert: Expert) -> SafeString:
        title, company = (
            self._marker.marked(without_bidi_controls(each)) for each in (expert.job_title, expert.company)
        )
        point = " · " if title and company else " "
        return _safe(f"<bdi>{title}</bdi>{point}<bdi>{company}</bdi>" if title or company else "")

    def _two_decimals(self, similarity: float | None) -> SafeString:
        return _safe("" if similarity is None else f"{similarity:z.2f}".replace(".", self._point))


def marked_tags(tags: Iterable[TagName], marker: Marker) -> SafeString:
    """The tags of a card, each with the words of the query in <mark>, and a hint where there are any."""
    shown = []
    for tag in tags:
        kind, name = escape(tag.kind), marker.marked(without_bidi_controls(tag.name))
        common = marker.spans(tag.name)
        hint = f' tag-common" title="{escape(_("Matches your query"))}"' if common else '"'
        shown.append(f'<span class="tag tag-{kind}{hint}><bdi>{name}</bdi></span>')
    return _safe("\n".join(shown))


def _safe(html: str) -> SafeString:
    return mark_safe(html)  # noqa: S308  its parts are escaped, or are ours


def _category(expert: Expert) -> str:
    category = escape(without_bidi_controls(expert.category))
    return f'<span class="category"><bdi>{category}</bdi></span>\n' if category else ""


def _rank(words: str, rank: int | None) -> SafeString:
    return _safe(words % {"rank": rank} if rank else "")


def _rate(expert: Expert) -> SafeString:
    if expert.hourly_rate is None:
        return _safe("")
    return format_html(
        "{} <bdi>{}</bdi>", floatformat(expert.hourly_rate, "-2g"), without_bidi_controls(expert.currency)
    )


def _around(page: str) -> list[str]:
    """What stands before and after an expert's id in the address of that page."""
    return reverse(page, args=[PLACE]).split(str(PLACE))
