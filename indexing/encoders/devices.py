"""What torch computes on: the processor, or an accelerator, as `TCS_DEVICE` says."""

from __future__ import annotations

import importlib
import platform
from pathlib import Path
from typing import Any

from django.conf import settings

from indexing.errors import EncoderUnavailable
from indexing.lib.messages import message

CPU = "cpu"
SIGNS = (Path("/dev/nvidiactl"), Path("/dev/kfd"), Path("/dev/dxg"))
"""Files of the drivers of NVIDIA, of AMD, and of either under Windows (WSL)."""


def chosen() -> str:
    """The name of the device for torch: "cpu", "cuda" or "mps".

    With `TCS_DEVICE=auto` torch is only imported, which takes seconds and hundreds of megabytes, where the machine
    seems to have an accelerator. Raises EncoderUnavailable if another value names a device that torch does not find.
    """
    asked = settings.TCS_DEVICE
    if asked == CPU or (asked == "auto" and not _may_be_there()):
        return CPU
    try:
        torch: Any = importlib.import_module("torch")
        found = [name for name, part in (("cuda", torch.cuda), ("mps", torch.backends.mps)) if part.is_available()]
        version = f"torch {torch.__version__}"
    except (ImportError, OSError) as error:  # OSError: without a library of the system
        found, version = [], f"torch ({error})"
    if asked == "auto":
        return found[0] if found else CPU
    if asked not in found:
        raise EncoderUnavailable(
            message(
                "TCS_DEVICE=%(device)s asks for an accelerator that %(library)s does not find on this machine. Set "
                "TCS_DEVICE=auto or TCS_DEVICE=cpu, or install its driver and a torch that was built for it.",
                device=asked,
                library=version,
            )
        )
    return str(asked)


def _may_be_there() -> bool:
    is_apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    return is_apple or any(path.exists() for path in SIGNS)
