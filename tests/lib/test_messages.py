"""Messages: English without Django, any language with it, and back from what a row holds."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy

from indexing.errors import NotEnoughMemory
from indexing.lib.messages import Message, message, plural_message, sentences
from indexing.lib.translation import from_row, label, translated
from tests.support.dutch import dutch_with

AT = datetime(2026, 11, 27, 16, 4, 42, tzinfo=UTC)


@pytest.mark.parametrize(
    ("found", "english"),
    [
        (message("100 % of it"), "100 % of it"),
        (message("%(share).1f %% of %(count)d", share=12.345, count=12_345), "12.3 % of 12,345"),
        (message("Version %(number)s", number=12_345), "Version 12345"),
        (Message("%s, %d and %5s", ("a", 1_000, "b")), "a, 1,000 and     b"),
        (message("at %(at)s", at=AT), "at 2026-11-27 16:04:42 UTC"),
        (message("in %(file)s", file=Path("/x")), "in /x"),
        (
            message("because: %(why)s", why=NotEnoughMemory(3, 2_000_000_000, 0)),
            "because: There is not enough memory",
        ),
        (plural_message("%(count)d expert", "%(count)d experts", count=1), "1 expert"),
        (plural_message("%(count)d expert", "%(count)d experts", count=2_000), "2,000 experts"),
        (sentences(message("One."), message("Two %(x)s.", x=2)), "One. Two 2."),
    ],
)
def test_english_needs_no_language_and_survives_json(found, english):
    assert str(found).startswith(english)
    assert Message.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_the_reader_gets_the_text_and_the_numbers_of_the_own_language():
    found = message(
        "%(share).1f %% of %(count)d: %(what)s", share=12.345, count=12_345, what=message("The disk is full.")
    )
    texts = {"%(share).1f %% of %(count)d: %(what)s": "%(what)s (%(share).1f %% van %(count)d)"}
    with dutch_with(texts | {"The disk is full.": "De schijf is vol."}), translation.override("nl"):
        assert translated(found) == "De schijf is vol. (12,3 % van 12.345)"
    with translation.override("en"):
        assert translated(found) == "12.3 % of 12,345: The disk is full."


def test_an_error_and_the_label_of_a_choice_are_translated_late():
    lazy = gettext_lazy("Search index")
    with translation.override("nl"):
        found = label(lazy)
        assert translated(found) == "Zoekindex"
    assert str(found) == "Search index"
    assert translated(ValueError("as it is")) == "as it is"


def test_a_row_of_an_older_release_shows_its_text():
    assert from_row(None, "Cancelled by root.") == "Cancelled by root."
    assert from_row(message("New").as_dict(), "stored") == "New"


def test_the_files_of_a_version_and_the_errors_need_no_django():
    modules = ["indexing.errors", *(f"indexing.snapshot.{path.stem}" for path in snapshot_modules())]
    code = f"import sys, {', '.join(modules)}; print(sorted(m for m in sys.modules if m.split('.')[0] == 'django'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def snapshot_modules() -> list[Path]:
    return [
        path for path in (Path(settings.BASE_DIR) / "indexing" / "snapshot").glob("*.py") if path.stem != "__init__"
    ]


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="gettext is not installed")
def test_make_messages_gathers_them(tmp_path):
    (tmp_path / "locale").mkdir()
    (tmp_path / "room.py").write_text(
        'message("One %(x)s.", x=1)\nplural_message("%(count)d bird", "%(count)d birds", count=2)\n'
        'raise Refused(message("Of an "\n    "error."))\n'
    )
    subprocess.run(
        [sys.executable, Path(settings.BASE_DIR) / "manage.py", "makemessages", "--locale", "nl"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    catalogue = (tmp_path / "locale/nl/LC_MESSAGES/django.po").read_text()
    for line in ('msgid "One %(x)s."', 'msgid "%(count)d bird"', 'msgid_plural "%(count)d birds"', '"Of an error."'):
        assert line in catalogue


@pytest.mark.parametrize(("language", "shown"), [("en", "0.1 %"), ("nl", "0,1 %")])
def test_pages_round_numbers_as_the_log_does(language, shown):
    with translation.override(language):
        assert translated(message("%(share).1f %%", share=100 / 1500)) == shown
