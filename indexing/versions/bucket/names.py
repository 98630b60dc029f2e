"""Names of the objects in the bucket.

objects/<sha256>              a file of one or several versions
versions/000042.json          the manifest of a version: with it, the version is complete
maps/000042-<sha256>.npy      the map of a version
processes/<token>             one for each web process
damaged/<sha256>              a file that a machine found to be wrong in the bucket
writable                      written at the start of every run
"""

from __future__ import annotations

OBJECTS, VERSIONS, MAPS, PROCESSES, DAMAGED = "objects/", "versions/", "maps/", "processes/", "damaged/"
WRITABLE = "writable"


def file_object(sha256: str) -> str:
    return OBJECTS + sha256


def manifest_object(number: int) -> str:
    return f"{VERSIONS}{number:06d}.json"


def number_of(manifest: str) -> int:
    """The number of the version whose manifest has this name; 0 if it is not one."""
    stem = manifest.removeprefix(VERSIONS).removesuffix(".json")
    return int(stem) if stem.isdecimal() else 0
