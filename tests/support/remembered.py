"""Scenes that many tests begin with: made once in each process, and put back from then on."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction

from indexing.lib.ownership import MARK

FILES = ("versions", "maps", "encoded", MARK)
BESIDE = ("auth", "contenttypes", "sessions", "admin", "axes", "accounts")
"""Apps whose rows a scene neither reads nor writes: those of users."""
TOKENS = "indexing_apitoken"

Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Remembered:
    before: Rows
    after: Rows
    files: Path
    at: datetime


Options = ParamSpec("Options")

_scenes: dict[tuple[object, ...], Remembered] = {}


@cache
def _stored() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="tcs-scenes-")


def remembered(make: Callable[Options, None]) -> Callable[Options, None]:
    """Let `make` put back what it made before, where directory, index and settings are as they were then.

    Its moments are as long ago as if it had just been made. On PostgreSQL it is made each time.
    """

    @wraps(make)
    def scene(*arguments: Options.args, **named: Options.kwargs) -> None:
        if connection.vendor != "sqlite" or any(_in_use(name).exists() for name in FILES):
            make(*arguments, **named)
            return
        given = (f"{name}={getattr(settings, name)}" for name in dir(settings) if _matters(name))
        key = (make.__qualname__, arguments, *named.items(), *given)
        known, before = _scenes.get(key), _rows()
        if known is not None and known.before == before:
            _put_back(known)
            return
        make(*arguments, **named)
        files = Path(tempfile.mkdtemp(dir=_stored().name))
        for name in FILES:
            _copy(_in_use(name), files / name)
        _scenes[key] = Remembered(before, _rows(), files, datetime.now())

    return scene


def _matters(name: str) -> bool:
    return name.startswith("TCS_") or name in ("DATA_DIR", "LANGUAGE_CODE", "TIME_ZONE")


def _in_use(name: str) -> Path:
    return Path(settings.DATA_DIR) / name


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy2(source, target)


def _tables() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label not in BESIDE and not model._meta.proxy and model._meta.db_table != TOKENS
    ]


def _rows() -> Rows:
    with connection.cursor() as cursor:
        return {
            model._meta.db_table: cursor.execute(f"SELECT * FROM {model._meta.db_table}").fetchall()
            for model in _tables()
        }


def _put_back(scene: Remembered) -> None:
    since = datetime.now() - scene.at
    with transaction.atomic(), connection.cursor() as cursor:
        for model in _tables():
            table = model._meta.db_table
            rows = scene.after[table]
            if rows == scene.before[table]:
                continue
            cursor.execute(f"DELETE FROM {table}")
            if rows:
                names = [each[1] for each in cursor.execute(f"PRAGMA table_info({table})").fetchall()]
                moments = [names.index(each.column) for each in model._meta.concrete_fields if _is_moment(each)]
                wanted = ", ".join(["%s"] * len(names))
                cursor.executemany(
                    f"INSERT INTO {table} VALUES ({wanted})", [_moved(row, moments, since) for row in rows]
                )
    for name in FILES:
        _copy(scene.files / name, _in_use(name))


def _is_moment(field: models.Field[Any, Any]) -> bool:
    return field.get_internal_type() == "DateTimeField"


def _moved(row: tuple[Any, ...], moments: list[int], since: timedelta) -> tuple[Any, ...]:
    moved = list(row)
    for at in moments:
        if moved[at] is not None:
            moved[at] = _later(moved[at], since)
    return tuple(moved)


def _later(moment: Any, since: timedelta) -> str:
    """As SQLite has it: text, unless a converter has read it."""
    return str((datetime.fromisoformat(moment) if isinstance(moment, str) else moment) + since)
