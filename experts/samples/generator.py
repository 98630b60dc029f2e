"""Generates fictional experts, the same ones each time, for demonstrations and measurements.

Each expert is made from a profession, an industry and a region (the `*.toml` files here), so that job title, company,
bio, rate and category fit together. People and companies are made up. Nobody has a photo, so that a page of experts
loads nothing from other servers.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from django.db import transaction

from experts.identity import identity_key
from experts.models import Expert

BATCH = 1_000
PROFILES = "https://example.com/experts/"
"""Start of the profile URLs, on a domain that is reserved for examples. Nobody else has them, see `removal`."""
_FOLDER = Path(__file__).parent
_FIRST_DAY = datetime(2021, 1, 4, 9, tzinfo=UTC)
_DAYS = 1_600

_COMPANY_STARTS = (
    "Vel",
    "Tar",
    "Ond",
    "Kry",
    "Mer",
    "Sol",
    "Bran",
    "Quo",
    "Dre",
    "Fen",
    "Hal",
    "Ist",
    "Jor",
    "Lum",
    "Nar",
    "Pel",
    "Ros",
    "Syl",
    "Ulv",
    "Zan",
)
_COMPANY_ENDS = (
    "mora",
    "quist",
    "rell",
    "dane",
    "vanta",
    "bex",
    "thorpe",
    "lume",
    "wick",
    "zara",
    "fold",
    "nex",
)

_OPENINGS = (
    "I help {clients} to {does}.",
    "When {clients} want to {does}, they call me.",
    "For {years} years {clients} have asked me to {does}.",
    "My work is to {does}, mostly for {clients}.",
    "With {years} years of practice among {clients}, I know what it takes to {does}.",
)
_SECONDS = (
    "Just as often I am asked to {also}.",
    "Many assignments begin elsewhere: to {also}.",
    "I also show teams how to {also}.",
)
_RESULTS = (
    "At {place} I {did}.",
    "The result that I am proudest of: at {place} I {did}.",
    "In my last assignment, at {place}, I {did}.",
)
_EARLIER = (
    "Earlier, at {before}, I {had_done}.",
    "Before that I worked for {before}, where I {had_done}.",
    "",
)
_WAYS = (
    "I work with {by} and {by_too}.",
    "You will see me use {by}, {by_too} and above all common sense.",
    "My tools are {by} and {by_too}.",
)
_CLOSINGS = (
    "I speak {languages}.",
    "Both {people} and {others} find me easy to talk to.",
    "Available {days} days a week, in {languages}.",
    "I leave when {people} can do without me.",
    "I like to work in pairs with {people}, so that the knowledge stays.",
)


@dataclass(frozen=True, slots=True)
class _World:
    """The contents of the three TOML files."""

    professions: list[dict[str, Any]]
    industries: list[dict[str, Any]]
    regions: list[dict[str, Any]]


def generate_experts(count: int, seed: int = 1) -> Iterator[Expert]:
    """`count` unsaved experts, the same for the same seed; with a larger `count` the first ones stay the same."""
    random = Random(seed)
    world = _world()
    taken: Counter[str] = Counter()
    for _number in range(count):
        yield _expert(random, world, taken)


def load_samples(count: int, seed: int = 1) -> int:
    """Add the first `count` experts to the directory in one transaction; returns how many are new.

    Experts whose usernames exist already are not changed.
    """
    created = 0
    with transaction.atomic():
        known = set(Expert.objects.values_list("username_key", flat=True).iterator())
        fresh = (expert for expert in generate_experts(count, seed) if identity_key(expert.username) not in known)
        while batch := list(islice(fresh, BATCH)):
            Expert.objects.bulk_create(batch)
            created += len(batch)
    return created


@cache
def _world() -> _World:
    return _World(
        professions=_read("professions")["profession"],
        industries=_read("industries")["industry"],
        regions=_read("names")["region"],
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def _expert(random: Random, world: _World, taken: Counter[str]) -> Expert:
    region = random.choice(world.regions)
    profession = random.choice(world.professions)
    allowed = profession["industries"]
    industry = random.choice([one for one in world.industries if not allowed or one["name"] in allowed])
    first, last = random.choice(region["first"]), random.choice(region["last"])
    low, high = profession["rate"]
    independent = random.random() < 0.2
    name = random.choice(_COMPANY_STARTS) + random.choice(_COMPANY_ENDS)
    username = _username(first, last, taken)
    return Expert(
        username=username,
        first_name=first,
        last_name=last,
        job_title=random.choice(profession["titles"]),
        company="" if independent else f"{name} {random.choice(industry['company'])}",
        bio=_bio(random, profession, industry, region),
        hourly_rate=Decimal(5 * random.randint(low // 5, high // 5)),
        currency=region["currency"],
        profile_url=f"{PROFILES}{username}",
        category=profession["category"],
        created_at=_FIRST_DAY + timedelta(days=random.randrange(_DAYS), minutes=random.randrange(480)),
    )


def _bio(random: Random, profession: dict[str, Any], industry: dict[str, Any], region: dict[str, Any]) -> str:
    does, also = random.sample(profession["does"], 2)
    did, had_done = random.sample(profession["did"], 2)
    by, by_too = random.sample(profession["by"], 2)
    place, before = random.sample(industry["places"], 2)
    people, others = random.sample(industry["people"], 2)
    sentences = [
        random.choice(_OPENINGS),
        random.choice(_SECONDS),
        random.choice(_RESULTS),
        random.choice(_EARLIER),
        random.choice(_WAYS),
        random.choice(industry["context"]),
        random.choice(_CLOSINGS),
    ]
    return " ".join(filter(None, sentences)).format(
        clients=industry["clients"],
        does=does,
        also=also,
        did=did,
        had_done=had_done,
        by=by,
        by_too=by_too,
        place=place,
        before=before,
        people=people,
        others=others,
        languages=region["languages"],
        years=random.randint(4, 30),
        days=random.randint(2, 5),
    )


def _username(first: str, last: str, taken: Counter[str]) -> str:
    base = f"{_plain(first)}.{_plain(last)}"
    taken[base] += 1
    return base if taken[base] == 1 else f"{base}.{taken[base]}"


def _plain(name: str) -> str:
    """Lower-case ASCII letters and hyphens: "Łukasz" becomes "lukasz"."""
    spelled = name.lower().translate(_SPELLED_OUT)
    letters = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return "".join(sign for sign in letters.replace(" ", "-") if sign.isalpha() or sign == "-")


_SPELLED_OUT = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "þ": "th", "ı": "i", "æ": "ae", "đ": "d", "ð": "d"})
