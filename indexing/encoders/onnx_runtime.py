"""ONNX Runtime, told before it is loaded not to report to its maker.

Its Linux builds otherwise send names of models, counts and times to Microsoft. They keep an id of the machine, and
what is not sent yet, in `~/.cache` (pull request 27379 of microsoft/onnxruntime).
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # noqa: E402

__all__ = ["onnxruntime"]
