"""Dutch with texts of the test's own: the real catalogue is translated after the texts were written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polib
from django.conf import settings
from django.test import override_settings


@contextmanager
def dutch_with(texts: Mapping[str, str]) -> Iterator[None]:
    """The Dutch catalogue also has `texts`, English to Dutch."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "nl" / "LC_MESSAGES" / "django.mo"
        file.parent.mkdir(parents=True)
        catalogue = polib.POFile()
        catalogue.metadata = {
            "Content-Type": "text/plain; charset=utf-8",
            "Plural-Forms": "nplurals=2; plural=n != 1;",
        }
        catalogue.extend(polib.POEntry(msgid=text, msgstr=translation) for text, translation in texts.items())
        catalogue.save_as_mofile(str(file))
        with override_settings(LOCALE_PATHS=[folder, *settings.LOCALE_PATHS]):
            yield
