"""Every pinned package has a wheel for each Python that TCS runs on: asks pip, which installs nothing.

    python -m tests.ground.wheels

`make lint` runs it. Asking downloads much where the index does not list what a wheel needs, so it is only done when a
pin changed: then `wheels-checked.txt` is written, which belongs into the commit. Where the index cannot be reached,
one line says so: a change must not fail because of the network.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.11", "3.12", "3.13")
PINS = ROOT / "requirements-dev.txt"
"""It includes the others."""
NOTED = Path(__file__).with_name("wheels-checked.txt")
SECONDS = 900
DRY_RUN = "install --dry-run --ignore-installed --no-deps --quiet --retries 0 --only-binary=:all:"


def main() -> int:
    """Say what is missing; 1 if something is."""
    if NOTED.is_file() and NOTED.read_text() == now():
        return 0
    for version in VERSIONS:
        if why := ask(version, ["--requirement", str(PINS)]):
            if ask(version, ["pip"]):
                print(f"Skipping the check for wheels: the package index cannot be reached (Python {version}).")
                return 0
            print(f"Not every pin has a wheel for Python {version}:\n{why}")
            return 1
    NOTED.write_text(now())
    return 0


def now() -> str:
    """What a check of the pins as they are would be noted as."""
    pins = [line for path in sorted(ROOT.glob("requirements*.txt")) for line in pins_of(path.read_text())]
    digest = hashlib.sha256("\n".join(sorted(pins)).encode()).hexdigest()
    return f"{digest} {' '.join(VERSIONS)}\n"


def pins_of(text: str) -> list[str]:
    """The requirements in a file, without comments and without what it includes."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("-")]


def ask(version: str, wanted: Sequence[str], options: Sequence[str] = ()) -> str:
    """What pip's dry run for that Python says against it; empty if nothing."""
    with tempfile.TemporaryDirectory() as nowhere:
        command = [sys.executable, "-m", "pip", *DRY_RUN.split(), "--python-version", version, "--target", nowhere]
        try:
            done = subprocess.run([*command, *options, *wanted], capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return f"pip did not answer within {SECONDS} seconds."
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return "\n".join(errors) or f"pip ended with {done.returncode}" if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main())
