"""A page walked with the Tab key: what is out of its reach, where the focus cannot be seen, where it gets stuck."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import CDPSession, Page

SEVERAL = 6
"""More stops than elements there may be on a page: a date has one for day, month and year, a scroller has its own."""
WATCH = (Path(__file__).parent / "tabbing.js").read_text()


def press(keys: CDPSession) -> None:
    """Only down: Playwright's own press waits for both ways, which takes half as long again."""
    keys.send(
        "Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
    )


def faults(page: Page, keys: CDPSession, part: str = "main") -> list[str]:
    """What is wrong for somebody without a mouse in one part of the page, which is entered as by the skip link."""
    stops = page.evaluate(WATCH, part)
    for _ in range(stops):
        press(keys)
    presses = 0
    while page.evaluate("tabbing.inside()") and presses < stops + SEVERAL:
        press(keys)
        presses += 1
    stuck = ["the focus does not leave again"] if page.evaluate("tabbing.inside()") else []
    found: list[str] = page.evaluate("tabbing.end()")
    return found + stuck
