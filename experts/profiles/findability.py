"""How well an expert can be found: a score of 0 to 100 that says what is missing, not how good somebody is.

    part        points  what for
    bio             40  10 for any, 20 from 100 characters, 40 from 300: most of what the encoder reads
    job title       20  the first words that the encoder reads, and what people search for
    tags            15  5 for each of the first three, automatic or manual: words and filters
    photo           10  a filter, and cards with a face are opened
    hourly rate     10  a filter; 0 is a rate
    company          5  the encoder reads it, and the words find it

The formula is here once for a single expert (`findability`) and once for the database (`expression`), so that the
admin sorts and filters by it without loading anybody; a test holds the two together. Characters are counted as
they are stored: forms and imports have stripped them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Case, Q, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Least, Length
from django.db.models.lookups import GreaterThanOrEqual
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

if TYPE_CHECKING:
    from experts.models import Expert

MAX_SCORE = 100

BIO_STEPS = ((300, 40), (100, 20), (1, 10))
"""From how many characters on a bio gives how many points; the first step that it reaches counts."""
GOOD_BIO, BIO = BIO_STEPS[0]
JOB_TITLE, PHOTO, RATE, COMPANY = 20, 10, 10, 5
PER_TAG, TAGS_COUNTED = 5, 3

LOW_BELOW, HIGH_FROM = 40, 70
LEVELS = {"low": (0, LOW_BELOW), "medium": (LOW_BELOW, HIGH_FROM), "high": (HIGH_FROM, MAX_SCORE + 1)}
"""Level -> its lowest score and the first one above it."""


@dataclass(frozen=True, slots=True)
class Advice:
    points: int
    sentence: str
    """What to do for them, as the end of a line: "write a bio of at least 300 characters"."""


@dataclass(frozen=True, slots=True)
class Findability:
    score: int
    """0 to 100."""
    advice: tuple[Advice, ...]
    """What would raise it, most points first; the points add up to what is missing to 100."""


def findability(expert: Expert, tags: int) -> Findability:
    """Of an expert with so many tags, automatic and manual together. Asks the database for nothing."""
    advice = sorted(_missing(expert, tags), key=lambda each: -each.points)
    return Findability(MAX_SCORE - sum(each.points for each in advice), tuple(advice))


def _missing(expert: Expert, tags: int) -> Iterator[Advice]:
    length = len(expert.bio)
    missing_bio = BIO - next((points for at_least, points in BIO_STEPS if length >= at_least), 0)
    if missing_bio:
        yield Advice(missing_bio, _bio_advice(length))
    if not expert.job_title:
        yield Advice(JOB_TITLE, _("say what they do: the job title"))
    if tags < TAGS_COUNTED:
        more = TAGS_COUNTED - tags
        sentence = ngettext(
            "add %s tag by hand; tags that fit come by themselves with a fuller bio",
            "add %s tags by hand; tags that fit come by themselves with a fuller bio",
            more,
        )
        yield Advice(PER_TAG * more, sentence % more)
    if not expert.photo_url:
        yield Advice(PHOTO, _("link a photo"))
    if expert.hourly_rate is None:
        yield Advice(RATE, _("state the hourly rate"))
    if not expert.company:
        yield Advice(COMPANY, _("name the company"))


def _bio_advice(length: int) -> str:
    if not length:
        return _("write a bio of at least %s characters") % GOOD_BIO
    return _("write a bio of at least %(wanted)s characters; it has %(length)s") % {
        "wanted": GOOD_BIO,
        "length": length,
    }


def expression(tags: Combinable) -> Combinable:
    """The same score in the database, an integer; `tags` gives the number of the expert's tags, or null for none."""
    bio = Case(
        *(When(GreaterThanOrEqual(Length("bio"), at_least), then=points) for at_least, points in BIO_STEPS), default=0
    )
    texts = (
        Case(When(~Q(**{name: ""}), then=points), default=0)
        for name, points in (("job_title", JOB_TITLE), ("photo_url", PHOTO), ("company", COMPANY))
    )
    rate = Case(When(hourly_rate__isnull=False, then=RATE), default=0)
    counted = Least(Coalesce(tags, 0), TAGS_COUNTED)
    return sum(texts, start=bio + rate + counted * PER_TAG)
