"""A Django system check: can the configured model be used?"""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Warning

from indexing import encoders
from indexing.errors import EncoderUnavailable
from indexing.lib.translation import translated


def check_model(**_options: Any) -> list[CheckMessage]:
    """A warning with the reason if the model cannot be used, else nothing."""
    # Not an error: that would stop the worker before it could record it as the run's failure.
    try:
        encoders.configured()
    except EncoderUnavailable as error:
        return [Warning(translated(error), id="indexing.W001")]
    return []
