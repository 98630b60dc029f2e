"""Loads ONNX Runtime with its telemetry switched off.

Its Linux builds otherwise send model names, counts and timings to Microsoft, and keep a machine id and unsent events
in `~/.cache` (pull request 27379 of microsoft/onnxruntime).
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # noqa: E402

__all__ = ["onnxruntime"]
