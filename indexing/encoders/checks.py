"""What `manage.py` says before anything else: whether the model can be used."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Warning

from indexing import encoders
from indexing.errors import EncoderUnavailable
from indexing.lib.translation import translated


def check_model(**_options: Any) -> list[CheckMessage]:
    """A warning, no error: an error would keep the worker from recording it as the run's own."""
    try:
        encoders.configured()
    except EncoderUnavailable as error:
        return [Warning(translated(error), id="indexing.W001")]
    return []
