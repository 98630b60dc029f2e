"""What the settings read from outside: environment variables and the data folder."""

import errno
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import dj_database_url
from dj_database_url import DBConfig
from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


@dataclass(frozen=True)
class Setting:
    """An environment variable that an operator may set."""

    name: str
    default: str
    """The default as written in the environment, or in words if it depends on the machine."""
    about: str
    """The effect of the setting, as a sentence without a full stop."""
    section: str


DECLARED: dict[str, Setting] = {}
"""Every setting by its name, in the order of the settings module: `manage.py settings` lists them."""
_sections = [""]


def section(name: str) -> None:
    """Start a group of settings; the declarations that follow belong to it."""
    _sections.append(name)


def declare(name: str, default: str, about: str) -> None:
    """Record a setting for `manage.py settings`. What is read a second time, without `about`, is not recorded."""
    if about:
        DECLARED[name] = Setting(name, default, about, _sections[-1])


def text(name: str, default: str = "", *, about: str = "", shown: str | None = None) -> str:
    """The variable without blanks around it, or `default` where it is unset or empty.

    `about` describes the setting for the operator; `shown` is written for the default where that depends on the
    machine. Both mean the same for every function here.
    """
    declare(name, default if shown is None else shown, about)
    return os.environ.get(name, "").strip() or default


def prefix(name: str, *, about: str = "") -> str:
    """The variable with the blanks around it, since they count before a text; `\\n` stands for a new line."""
    declare(name, "", about)
    return os.environ.get(name, "").replace("\\n", "\n")


def flag(name: str, default: bool = False, *, about: str = "") -> bool:
    """True or False. Raises ImproperlyConfigured for anything but yes, no and their like."""
    declare(name, "1" if default else "0", about)
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in TRUE:
        return True
    if value.strip().lower() in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is neither yes nor no: use 1 or 0.")


def number(name: str, default: float, *, at_least: float = 0, about: str = "", shown: str | None = None) -> float:
    """A number. Raises ImproperlyConfigured for anything else, and for one below `at_least`."""
    declare(name, f"{default:.12g}" if shown is None else shown, about)
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


def integer(name: str, default: int, *, at_least: int = 0, about: str = "", shown: str | None = None) -> int:
    """A whole number. Raises ImproperlyConfigured for anything else, and for one below `at_least`."""
    parsed = number(name, default, at_least=at_least, about=about, shown=shown)
    if parsed != int(parsed):
        raise ImproperlyConfigured(f"{name}={parsed!r} is not a whole number.")
    return int(parsed)


def share(name: str, default: float, *, about: str = "") -> float:
    """A part of a whole, from 0 to 1, written as 0.1 or as 10%. Raises ImproperlyConfigured for anything else."""
    declare(name, f"{default:.0%}", about)
    value = text(name)
    try:
        parsed = float(value.removesuffix("%")) / 100 if value.endswith("%") else float(value or default)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r} is not a share: use 0.1 or 10%.") from None
    if not 0 <= parsed <= 1:
        raise ImproperlyConfigured(f"{name}={value!r} is not between 0 and 1.")
    return parsed


def bucket(name: str, *, about: str = "") -> str:
    """The address of a bucket, `s3://name/prefix`, or "". Raises ImproperlyConfigured for anything else."""
    value = text(name, about=about).rstrip("/")
    parts = urlsplit(value)
    if value and (parts.scheme != "s3" or not parts.hostname or "@" in parts.netloc or parts.query):
        raise ImproperlyConfigured(f"{name} is not the address of a bucket, such as s3://bucket/prefix.")
    return value


def url(name: str, *, about: str = "") -> str:
    """An http or https address, or "". Raises ImproperlyConfigured for another, unshown: it may hold a secret."""
    value = text(name, about=about)
    if value and urlsplit(value).scheme not in ("http", "https"):
        raise ImproperlyConfigured(f"{name} is not an http or https address.")
    return value


def dask_address(name: str, *, about: str = "") -> str:
    """The address of a Dask scheduler as Dask writes it, tcp:// or tls://, or "".

    Raises ImproperlyConfigured for anything but dask://host:port and tls://host:port.
    """
    value = text(name, about=about)
    try:
        parts = urlsplit(value)
        right = not value or bool(parts.scheme in ("dask", "tls") and parts.hostname and parts.port)
    except ValueError:
        right = False
    if not right:
        raise ImproperlyConfigured(
            f"{name}={value!r} is not the address of a Dask scheduler, such as dask://scheduler:8786."
        )
    return f"tcp{value.removeprefix('dask')}" if value.startswith("dask:") else value


def redis_url(name: str, *, about: str = "") -> str:
    """Checked here: what fails on it later would show a part of the password. Raises ImproperlyConfigured."""
    value = text(name, about=about)
    try:
        parts = urlsplit(value)
        right = not value or (parts.scheme in ("redis", "rediss", "unix") and (parts.port or True))
    except ValueError:
        right = False
    if not right:
        raise ImproperlyConfigured(
            f"{name} is not an address such as redis://:password@host:6379/0. "
            "Write characters such as / # ? @ in a password as %2F %23 %3F %40."
        )
    return value


def database(name: str, default: str, *, about: str = "", shown: str | None = None) -> DBConfig:
    """Django's settings of the database at an address. Raises ImproperlyConfigured for one that cannot be read."""
    try:
        return dj_database_url.parse(text(name, default, about=about, shown=shown))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}") from None


def names(name: str, default: str = "", *, about: str = "") -> list[str]:
    """The setting as a list of the values between its commas."""
    return [part.strip() for part in text(name, default, about=about).split(",") if part.strip()]


def pairs(name: str, *, about: str = "") -> dict[str, str]:
    """Pairs such as `a=b,c=d`. Raises ImproperlyConfigured for a part that is not one."""
    found = {}
    for part in names(name, about=about):
        left, equals, right = (each.strip() for each in part.partition("="))
        if not (left and equals and right):
            raise ImproperlyConfigured(f"{name}: {part!r} is not a pair such as consultants=Searcher.")
        found[left] = right
    return found


def choice(name: str, default: str, allowed: tuple[str, ...], *, about: str = "") -> str:
    """One of `allowed`. Raises ImproperlyConfigured for anything else."""
    value = text(name, default, about=about)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(allowed)}.")
    return value


def time_zone(name: str, default: str, *, about: str = "") -> str:
    """The name of a time zone. Raises ImproperlyConfigured for one that is unknown."""
    value = text(name, default, about=about)
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError):  # a folder such as Europe, a path, an unknown name
        raise ImproperlyConfigured(
            f"{name}={value!r} is not a time zone: use a name such as Europe/Amsterdam."
        ) from None
    return value


def secret_key(folder: Path, *, about: str = "", shown: str = "") -> str:
    """`TCS_SECRET_KEY`, or a key generated once into `folder` and readable by its owner only.

    Two processes that start at once agree on one key: whoever links its file first wins.
    Raises ImproperlyConfigured if the folder cannot be read or written.
    """
    if key := text("TCS_SECRET_KEY", about=about, shown=shown):
        return key
    try:
        return _stored_key(folder)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise ImproperlyConfigured(
            f"The data folder {folder} cannot be used: {error.strerror}. "
            + ("Free some space." if full else "Make it writable, or set TCS_DATA_DIR to a folder that is.")
        ) from error


def _stored_key(folder: Path) -> str:
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        mine = folder / f"secret_key.{secrets.token_hex(4)}"  # other containers have the same process ids
        try:
            mine.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
            mine.write_text(secrets.token_urlsafe(64))
            os.link(mine, path)
        except FileExistsError:
            pass
        finally:
            mine.unlink(missing_ok=True)
    return path.read_text().strip()
