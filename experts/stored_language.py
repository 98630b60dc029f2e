"""In which language text is kept.

What a person is told at once is said in that person's language. What is stored and read by all later (a run's log and
its error, the history, notifications) is written in one, the installation's, whoever's request writes it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.conf import settings
from django.utils import translation


def kept_language() -> AbstractContextManager[None]:
    return translation.override(settings.LANGUAGE_CODE)
