"""Whatever changes in the files of a version gets a new format number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexing.snapshot.manifest import FORMAT
from tests.support import cast
from tests.support.index_cast import built

FORMATS = {
    10: {
        "manifest.json": (
            "ann_kind ann_recall count created dimension fence fields files fingerprint format model_name number "
            "passage_rule passages strong_similarity template_version; bytes sha256"
        ),
        "facets.npz": (
            "available <M8[D][1] categories <U[1] category <i4[1] cities_names <U[1] cities_starts <i8[1] "
            "cities_values <i4[1] city_names <U[1] countries_names <U[1] countries_starts <i8[1] "
            "countries_values <i4[1] currency <U[1] has_photo |b1[1] languages_names <U[1] languages_starts <i8[1] "
            "languages_values <i4[1] rate <f8[1] tag_ids <i8[1] tag_starts <i8[1]"
        ),
        "feedback.npy": "|V8[1]",
        "feedback_words.npz": "ends <i8[1] letters |u1[1] starts <i8[1]",
        "field_hashes.npy": "<u8[2]",
        "ids.npy": "<i8[1]",
        "indexed.bin": "",
        "indexed_ends.npy": "<i8[1]",
        "keywords": (
            "key i64, handle text tcs_raw basic, label text tcs_raw basic, rate f64, available i64, "
            "name text tcs_terms freq, "
            "job_title text tcs_terms freq, tags text tcs_terms freq, company text tcs_terms freq, "
            "bio text tcs_terms freq, username text tcs_terms basic, names text tcs_terms basic, "
            "joined text tcs_terms basic, documents text tcs_terms basic, words text tcs_terms position"
        ),
        "nonsense.npy": "<f4[2]",
        "passage_hashes.npy": "|u1[2]",
        "passage_terms.npz": "counts |u1[1] ends <i8[1] lengths <i8[1] letters |u1[1] sizes <i8[1] terms <u4[1]",
        "passages.npy": "<i4[2]",
        "profile_ends.npy": "<i8[1]",
        "profiles.npy": "|u1[1]",
        "row_digests.npy": "|u1[2]",
        "suggest.npz": (
            "key_ends <i8[1] key_entries <i4[1] keys |u1[1] kinds |u1[1] row_ends <i8[1] rows <i4[1] "
            "text_ends <i8[1] texts |u1[1]"
        ),
        "text_hashes.npy": "|u1[2]",
        "text_terms.npz": "counts |u1[1] ends <i8[1] lengths <i8[1] letters |u1[1] sizes <i8[1] terms <u4[1]",
        "vectors.npy": "<f4[2]",
        "word_hashes.npy": "|u1[2]",
        "word_languages.npy": "|S2[2]",
    }
}
"""Format -> what a version of it has: each file with the kinds of its arrays, or the fields of its index."""


@pytest.mark.django_db
def test_a_version_is_what_its_format_says():
    cast.experts(3)
    folder = built().folder
    assert folder is not None
    found = dict(contents(folder))
    assert found == FORMATS[FORMAT], (
        "the files of a version changed: raise indexing.snapshot.manifest.FORMAT, and add the new format here"
    )


def contents(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.iterdir():
        if path.suffix == ".npy":
            yield path.name, kind(np.load(path))
        elif path.suffix == ".npz":
            with np.load(path) as arrays:
                yield path.name, " ".join(f"{name} {kind(arrays[name])}" for name in sorted(arrays.files))
        elif path.name == "manifest.json":
            manifest = json.loads(path.read_bytes())
            entries = {key for entry in manifest["files"].values() for key in entry}
            yield path.name, f"{' '.join(sorted(manifest))}; {' '.join(sorted(entries))}"
        elif path.is_dir():
            schema = json.loads((path / "meta.json").read_bytes())["schema"]
            yield path.name, ", ".join(field_kind(field) for field in schema)
        else:
            yield path.name, ""


def kind(array: np.ndarray) -> str:
    """The type and the number of dimensions; texts are as wide as the longest."""
    name = "<U" if array.dtype.kind == "U" else array.dtype.str
    return f"{name}[{array.ndim}]"


def field_kind(field: dict[str, Any]) -> str:
    indexing = field["options"].get("indexing") if field["type"] == "text" else None
    parts = [indexing["tokenizer"], indexing["record"]] if indexing else []
    return " ".join([field["name"], field["type"], *parts])
