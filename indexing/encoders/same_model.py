"""Whether this process encodes with the model that a version was built with."""

from __future__ import annotations

from indexing import encoders
from indexing.encoders.protocol import Encoder
from indexing.errors import EncoderUnavailable
from indexing.lib.messages import message
from indexing.snapshot.manifest import Manifest


def require_same_model(encoder: Encoder, manifest: Manifest) -> None:
    """Raises EncoderUnavailable if the version was built with another model: its vectors cannot be compared."""
    if (encoder.fingerprint, encoder.dimension) != (manifest.fingerprint, manifest.dimension):
        raise EncoderUnavailable(
            message(
                "Version %(number)s was built with the model %(built)s (%(fingerprint)s…), but this process uses "
                "%(name)s (%(own)s…). Rebuild the index, or set TCS_MODEL_PATH to the earlier model and restart.",
                number=manifest.number,
                built=manifest.model_name,
                fingerprint=manifest.fingerprint[:8],
                name=encoder.name,
                own=encoder.fingerprint[:8],
            )
        )


def has_model(fingerprint: str, dimension: int) -> bool:
    """Whether this process encodes with that model. True while its own model is not loaded: nobody can tell yet."""
    if encoders.load_state() != "ready":
        return True
    encoder = encoders.configured()
    return (encoder.fingerprint, encoder.dimension) == (fingerprint, dimension)
