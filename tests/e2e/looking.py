"""What a browser finds wrong with a page: for people who cannot see it well, zoom in, or have a small screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
GRAVE = ("serious", "critical")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
COLOURS = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
COLOURS_SETTLED = """() => Promise.all(document.getAnimations()
  .filter((each) => each instanceof CSSTransition).map((each) => each.finished.catch(() => 0)))"""
PHONE, ZOOMED, WIDE = (390, 800), (640, 450), (1280, 900)
"""CSS pixels: a phone; a window of 1280 by 900 at 200 %; that window."""

CUT_OFF = """() => {
  const width = document.documentElement.clientWidth;
  const name = (each) => each.tagName.toLowerCase() + (each.id ? '#' + each.id : '') + '.' + each.className
    + ' "' + (each.textContent || each.value || '').trim().slice(0, 30) + '"';
  const inScroller = (each) => {
    for (let at = each.parentElement; at && at !== document.body; at = at.parentElement) {
      if (['auto', 'scroll'].includes(getComputedStyle(at).overflowX) && at.scrollWidth > at.clientWidth) return true;
    }
    return false;
  };
  const found = [];
  const wide = document.documentElement.scrollWidth;
  if (wide > width) found.push(`the page is ${wide} wide`);
  for (const each of document.querySelectorAll('a, button, input, select, textarea, summary, h1, h2, th, dd, p')) {
    if (!each.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const box = each.getBoundingClientRect();
    if (!box.width || !box.height || getComputedStyle(each).clipPath !== 'none') continue;
    if (each.closest('.visually-hidden, .skip-to-content-link') || inScroller(each)) continue;
    if (box.right > width + 1 || box.left < -1) {
      found.push(`${name(each)} ends at ${Math.round(box.right)} of ${width}`);
    }
  }
  return found.slice(0, 5);
}"""

TWINS_GONE = """(part) => {
  // Of rows and items of the same make that follow each other two remain: axe-core needs as long for each of them.
  const SAME = ['class', 'type', 'role', 'lang', 'dir', 'disabled', 'checked', 'aria-hidden', 'data-colour'];
  const make = (each) => [each, ...each.querySelectorAll('*')].map((one) => [one.tagName, one.childElementCount,
    Boolean(one.textContent.trim()), ...one.getAttributeNames().map((name) => SAME.includes(name)
      ? `${name}=${one.getAttribute(name)}` : name)].join()).join('|');
  for (const first of document.querySelectorAll(`${part} :is(tr, li, article, p):first-child`)) {
    let [last, times] = ['', 0];
    for (const each of [...first.parentElement.children]) {
      const mine = make(each);
      times = mine === last ? times + 1 : 1;
      last = mine;
      if (times > 2) each.remove();
    }
  }
}"""


def axe(page: Page, options: dict[str, Any], part: str = "html") -> list[str]:
    """Its serious and critical findings in one part of the page."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())  # a script element would be blocked by the pages' own policy
    ask = "([part, options]) => axe.run(part, options).then(({violations}) => violations)"
    found = page.evaluate(ask, [part, options])
    return [
        f"{each['id']}: {node['target']} {node['html'][:120]} {node.get('failureSummary', '')[-160:]}"
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"][:3]
    ]


def faults(page: Page, part: str = "html", schemes: tuple[str, str] = ("light", "dark")) -> list[str]:
    """What is wrong with the page as it is open: on a phone, at 200 %, in light and dark.

    `part` spares axe-core what is the same on every page; `schemes` comes with the one that the page has now first.
    Afterwards the page lacks the twins of its rows.
    """
    found = []
    for name, (width, height) in (("phone", PHONE), ("200 %", ZOOMED), ("", WIDE)):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(DRAWN)
        found += [f"{name}: {each}" for each in page.evaluate(CUT_OFF) if name]
    page.evaluate(TWINS_GONE, part)
    for scheme, rules in zip(schemes, (RULES, COLOURS), strict=True):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.evaluate(COLOURS_SETTLED)
        found += [f"{scheme}: {each}" for each in axe(page, rules, part)]
    return found
