"""Chromium as the tests start it."""

from __future__ import annotations

import os
import shutil

from playwright.sync_api import Browser, BrowserType

NO_SANDBOX = ["--no-sandbox"] if os.geteuid() == 0 else []
WITHOUT_GPU = ["--disable-gpu"]
"""No process that stands in for a GPU: a sixth less of the processor's time. WebGL works without it too."""


def start(chromium: BrowserType) -> Browser:
    """The one without windows, which needs half of the processor's time for starts and keys. Else the whole one."""
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    return chromium.launch(executable_path=program, args=[*NO_SANDBOX, *WITHOUT_GPU])


def start_whole(chromium: BrowserType) -> Browser:
    """For what only that can do: show notifications, and remember pages that were left."""
    program = shutil.which("chromium")
    return chromium.launch(
        executable_path=program,
        channel=None if program else "chromium",  # Playwright's own
        args=NO_SANDBOX,
        ignore_default_args=["--disable-back-forward-cache"],
    )
