"""The map as the API describes it."""

from __future__ import annotations

from typing import Literal

from ninja import Field, Schema


class Computing(Schema):
    status: Literal["computing"] = "computing"
    progress: float | None = Field(None, description="0 to 1; omitted while unknown.")


class Point(Schema):
    x: float
    y: float
    username: str
    name: str
    category: str


class EmbeddingMap(Schema):
    version: int
    points: list[Point]
