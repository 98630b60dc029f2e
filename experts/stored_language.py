"""The language that stored text is written in.

A person is answered in that person's language. Text that is stored for everybody (the texts of a run's log for search
and download, notifications, the history) is written in the installation's language, whoever's request writes it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.conf import settings
from django.utils import translation


def stored_language() -> AbstractContextManager[None]:
    return translation.override(settings.LANGUAGE_CODE)
