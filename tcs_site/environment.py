"""What the settings read from outside: environment variables and the data folder."""

import os
import secrets
import stat
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from dj_database_url import DBConfig
from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in TRUE:
        return True
    if value.strip().lower() in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is neither yes nor no: use 1 or 0.")


def number(name: str, default: float, *, at_least: float = 0) -> float:
    value = text(name)
    if not value:
        return default
    try:
        parsed = float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r} is not a number.") from None
    if not parsed >= at_least:
        raise ImproperlyConfigured(f"{name}={value!r} is below {at_least:g}.")
    return parsed


def integer(name: str, default: int, *, at_least: int = 0) -> int:
    parsed = number(name, default, at_least=at_least)
    if parsed != int(parsed):
        raise ImproperlyConfigured(f"{name}={parsed!r} is not a whole number.")
    return int(parsed)


def share(name: str, default: float) -> float:
    """A part of a whole, as 0.1 or as 10%."""
    value = text(name)
    try:
        parsed = float(value.removesuffix("%")) / 100 if value.endswith("%") else float(value or default)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r} is not a share: use 0.1 or 10%.") from None
    if not 0 <= parsed <= 1:
        raise ImproperlyConfigured(f"{name}={value!r} is not between 0 and 1.")
    return parsed


def url(name: str) -> str:
    value = text(name)
    if value and urlsplit(value).scheme not in ("http", "https"):
        raise ImproperlyConfigured(f"{name} is not an http or https address.")  # unshown: it may hold a secret
    return value


def redis_url(name: str) -> str:
    """Checked here, because what fails over it later would show a part of the password."""
    value = text(name)
    try:
        parts = urlsplit(value)
        right = not value or (parts.scheme in ("redis", "rediss", "unix") and (parts.port or True))
    except ValueError:
        right = False
    if not right:
        raise ImproperlyConfigured(
            f"{name} is not an address such as redis://:password@host:6379/0. "
            "Signs like / # ? @ in a password are written as %2F %23 %3F %40."
        )
    return value


def database(name: str, default: str) -> DBConfig:
    try:
        return dj_database_url.parse(text(name, default))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}") from None


def names(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(allowed)}.")
    return value


def secret_key(folder: Path) -> str:
    """`TCS_SECRET_KEY`, or a key generated once into `folder` and readable by its owner only.

    Two processes that start at once agree on one key: whoever links its file first wins.
    """
    if key := text("TCS_SECRET_KEY"):
        return key
    try:
        return _kept_key(folder)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {folder} cannot be used: {error.strerror}. "
            "Make it writable, or set TCS_DATA_DIR to a folder that is."
        ) from error


def _kept_key(folder: Path) -> str:
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        mine = folder / f"secret_key.{os.getpid()}"
        mine.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        mine.write_text(secrets.token_urlsafe(64))
        try:
            os.link(mine, path)
        except FileExistsError:
            pass
        finally:
            mine.unlink()
    return path.read_text().strip()
