"""Parses a page as a browser does, and finds what would be unsafe in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from django.http import HttpResponse

from experts.safe_text import without_bidi_controls

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
PARAGRAPHS = {
    "bdi",
    "dd",
    "div",
    "dt",
    "fieldset",
    "h1",
    "h2",
    "h3",
    "label",
    "legend",
    "li",
    "option",
    "p",
    "pre",
    "td",
    "textarea",
    "th",
    "title",
}
"""Elements whose text does not affect the writing direction of what follows them."""
TURN = re.compile("[\u202a-\u202e\u2066-\u2069]")
OPENING, CLOSING = "\u2066\u2067\u2068", "\u2069"
GRID_CELLS = {"line-message"}
LINKS = {"href", "src", "action", "formaction", "data", "poster", "hx-get", "hx-post", "ws-connect"}
DATA_SCRIPTS = {"application/json", "importmap", "speculationrules"}


def html(response: HttpResponse) -> str:
    """The page on one line, so that a test need not know where its lines break."""
    return " ".join(response.content.decode().split())


def html_without_bdi(response: HttpResponse) -> str:
    """`html` without what keeps a name's direction to itself."""
    return re.sub(r"</?bdi[^>]*>|[\u2066-\u2069]", "", html(response))


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parent: Element | None
    texts: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def text(self) -> str:
        """All text in the element."""
        return "".join(part for each in self.walk() for part in each.texts)

    def paragraph(self) -> Element:
        """The nearest element, this one or around it, that is one of `PARAGRAPHS`."""
        is_one = self.tag in PARAGRAPHS or self.attributes.get("class") in GRID_CELLS
        return self if is_one or self.parent is None else self.parent.paragraph()


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("document", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        closing: Element | None = self.at
        while closing is not None and closing.tag != tag:
            closing = closing.parent
        if closing is not None and closing.parent is not None:
            self.at = closing.parent

    def handle_data(self, data: str) -> None:
        self.at.texts.append(data)


def parse_html(html: str) -> Element:
    """The document; elements that are never closed end with the one around them."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.root


def blocked_by_csp(page: Element) -> list[str]:
    """Everything in the page that a policy without 'unsafe-inline' and without other hosts blocks."""
    found = []
    for element in page.walk():
        attributes = element.attributes
        if element.tag == "style" or "style" in attributes:
            found.append(f"inline style in <{element.tag}>: {attributes.get('style', element.text)[:80]}")
        if element.tag == "script" and "src" not in attributes and attributes.get("type") not in DATA_SCRIPTS:
            found.append(f"inline script: {element.text.strip()[:80]}")
        found += [f"{name} on <{element.tag}>" for name in attributes if name.startswith(("on", "hx-on"))]
        loads = attributes.get("src" if element.tag in ("script", "iframe") else "href", "")
        is_loaded = element.tag in ("script", "iframe") or "stylesheet" in attributes.get("rel", "")
        if is_loaded and loads.startswith(("http:", "https:", "//", "data:", "blob:")):
            found.append(f"<{element.tag}> from elsewhere: {loads}")
    return found + runs_something(page)


def runs_something(page: Element) -> list[str]:
    """Links whose address is a program, such as “javascript:...”."""
    return [
        f"{name}={value[:80]} on <{element.tag}>"
        for element in page.walk()
        for name, value in element.attributes.items()
        if name in LINKS and value.strip().lower().startswith(("javascript:", "vbscript:", "data:text"))
    ]


def turned_lines(page: Element) -> list[str]:
    """Lines in which a text that ends with a bidi control character changes the direction of what follows it."""
    paragraphs = {id(each.paragraph()): each.paragraph() for each in page.walk() if TURN.search("".join(each.texts))}
    found = []
    for paragraph in paragraphs.values():
        line = paragraph.text.strip()
        if leaves_its_isolate(line) if paragraph.tag == "bdi" else turns_what_follows(line):
            found.append(line[:160])
    return found


def turns_what_follows(line: str) -> bool:
    turn = TURN.search(line)
    return turn is not None and bool(without_bidi_controls(line[turn.start() :]).strip())


def leaves_its_isolate(text: str) -> bool:
    """Whether `text` closes the isolate that <bdi> opens, so that the rest of it acts on the line."""
    depth = 0
    for sign in text:
        depth += (sign in OPENING) - (sign == CLOSING)
        if depth < 0:
            return True
    return False
