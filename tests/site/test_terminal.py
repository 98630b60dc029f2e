"""What is said in a terminal that cannot show every character."""

from __future__ import annotations

import io
import json

import pytest

from tcs_site import terminal


@pytest.fixture
def ascii_only(monkeypatch) -> io.TextIOWrapper:
    stream = io.TextIOWrapper(io.BytesIO(), "ascii", write_through=True)
    monkeypatch.setattr("sys.stdout", stream)
    terminal.never_fail()
    return stream


def written(stream: io.TextIOWrapper) -> str:
    raw = stream.buffer.getvalue()  # type: ignore[attr-defined]
    return str(raw.decode("ascii"))


def test_lines_and_quotes_become_similar_signs(ascii_only):
    ascii_only.write("┌─┐ “Rebuild” … 1–2 →")
    assert written(ascii_only) == "+-+ 'Rebuild' ... 1-2 ->"


def test_json_is_still_json_with_the_same_texts(ascii_only):
    value = {"name": "Chloé 日本 \U0001f642 \ud800"}
    ascii_only.write(json.dumps(value, ensure_ascii=False))
    assert json.loads(written(ascii_only)) == value
