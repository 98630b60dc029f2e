"""How easily an expert can be found: a score of 0 to 100 that says what is missing, not how good somebody is.

    part        points  why
    bio             40  10 for any, 20 from 100 characters, 40 from 300: most of what search by meaning reads
    job title       20  the first words that search by meaning reads, and what people search for
    tags            15  5 for each of the first three, automatic or manual: keywords and filters
    photo           10  a filter; and cards with a face are opened more
    hourly rate     10  a filter; 0 is a rate
    company          5  search by meaning and by keywords reads it

The formula stands here twice: for one expert (`findability`) and as a database expression (`score_expression`), so
that the admin sorts and filters by it without loading everybody. A test checks that both give the same. Characters
are counted as they are stored: forms and imports have stripped them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from django.db.models import Case, Q, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Least, Length
from django.db.models.lookups import GreaterThanOrEqual
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MAX_SCORE = 100

BIO_STEPS = ((300, 40), (100, 20), (1, 10))
"""(least number of characters, points) for a bio, longest first; only the first that fits counts."""
GOOD_BIO, BIO = BIO_STEPS[0]
JOB_TITLE, PHOTO, RATE, COMPANY = 20, 10, 10, 5
PER_TAG, TAGS_COUNTED = 5, 3

LOW_BELOW, HIGH_FROM = 40, 70
LEVELS = {"low": (0, LOW_BELOW), "medium": (LOW_BELOW, HIGH_FROM), "high": (HIGH_FROM, MAX_SCORE + 1)}
"""Level -> its lowest score and the first score above it."""


class ScoredProfile(Protocol):
    """The fields of an expert that count, as `experts.models.Expert` has them."""

    @property
    def bio(self) -> str: ...
    @property
    def job_title(self) -> str: ...
    @property
    def company(self) -> str: ...
    @property
    def photo_url(self) -> str: ...
    @property
    def photo_file(self) -> str: ...
    @property
    def hourly_rate(self) -> Decimal | None: ...


@dataclass(frozen=True, slots=True)
class Advice:
    points: int
    sentence: str
    """How to get the points, as the end of a line: "write a bio of at least 300 characters"."""


@dataclass(frozen=True, slots=True)
class Findability:
    score: int
    """0 to 100"""
    advice: tuple[Advice, ...]
    """What would raise the score, most points first; the points add up to 100 - `score`."""


def findability(expert: ScoredProfile, tag_count: int) -> Findability:
    """The score of an expert with `tag_count` tags, automatic and manual together. Needs no database."""
    advice = sorted(_missing(expert, tag_count), key=lambda each: -each.points)
    return Findability(MAX_SCORE - sum(each.points for each in advice), tuple(advice))


def _missing(expert: ScoredProfile, tag_count: int) -> Iterator[Advice]:
    length = len(expert.bio)
    missing_bio = BIO - next((points for at_least, points in BIO_STEPS if length >= at_least), 0)
    if missing_bio:
        yield Advice(missing_bio, _bio_advice(length))
    if not expert.job_title:
        yield Advice(JOB_TITLE, _("add a job title"))
    if tag_count < TAGS_COUNTED:
        more = TAGS_COUNTED - tag_count
        sentence = ngettext(
            "add %s tag; a longer bio also gets more automatic tags",
            "add %s tags; a longer bio also gets more automatic tags",
            more,
        )
        yield Advice(PER_TAG * more, sentence % more)
    if not (expert.photo_file or expert.photo_url):
        yield Advice(PHOTO, _("add a photo"))
    if expert.hourly_rate is None:
        yield Advice(RATE, _("add an hourly rate"))
    if not expert.company:
        yield Advice(COMPANY, _("add a company"))


def _bio_advice(length: int) -> str:
    if not length:
        return _("write a bio of at least %s characters") % GOOD_BIO
    return _("write a bio of at least %(wanted)s characters (now %(length)s)") % {
        "wanted": GOOD_BIO,
        "length": length,
    }


def score_expression(tag_count: Combinable) -> Combinable:
    """The score of `findability` as an integer expression for database queries; a `tag_count` of null is 0."""
    bio = Case(
        *(When(GreaterThanOrEqual(Length("bio"), at_least), then=points) for at_least, points in BIO_STEPS), default=0
    )
    texts = (
        Case(When(~Q(**dict.fromkeys(names, "")), then=points), default=0)
        for names, points in (
            (("job_title",), JOB_TITLE),
            (("photo_url", "photo_file"), PHOTO),
            (("company",), COMPANY),
        )
    )
    rate = Case(When(hourly_rate__isnull=False, then=RATE), default=0)
    counted = Least(Coalesce(tag_count, 0), TAGS_COUNTED)
    return sum(texts, start=bio + rate + counted * PER_TAG)
