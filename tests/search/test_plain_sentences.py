"""Plain sentences find the right people: the packaged model over sample experts of every profession."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from experts.models import Expert
from experts.samples.generator import generate_experts
from indexing import encoders
from indexing.console.search.views import examples
from indexing.lib import paths
from indexing.search import search
from indexing.snapshot.synonyms import Synonyms
from tests.support.index_cast import built_snapshot
from tests.support.server import REAL_MODEL

pytestmark = pytest.mark.django_db

SAMPLES = 1_500
"""What a new installation has, whose users try such sentences first."""
OF_EACH = 4
"""Of each job title only the first, of some nine: less than half of the encoding, of every profession."""
RIGHT = {
    "we need to lay off staff fairly": ("HR", "Personnel"),
    "somebody who makes old houses warm": ("Heat", "Energy", "Solar"),
    "our machine keeps breaking": ("Maintenance", "Reliability"),
    "teach our managers to listen": ("coach",),
    "calm down angry customers": ("Customer experience",),
    "our warehouse is always late": ("Logistics", "Warehouse"),
    "a website that blind people can use": ("Accessibility",),
    "get our factories off gas": ("Energy", "Heat"),
    "lawyer for software licences": ("lawyer",),
    "machine learning in hospitals": ("Machine learning", "MLOps"),
    "crisis communication": ("Communication",),
}
"""Sentence -> what the job title of somebody among the first three contains.

Not met: “help us to get a subsidy” finds programme directors, whose texts hold the word; grant writers are 15th by
meaning. “We had a data breach” finds those who advise on privacy, since no text holds the word: see SYNONYM.
"""
SYNONYM = ("breach", "ransomware")
"""What staff may keep, so that a breach finds those who respond to it."""


@pytest.fixture
def real_model(settings, packaged_model):
    settings.TCS_ENCODER = REAL_MODEL
    shutil.copytree(packaged_model, paths.models_folder(), dirs_exist_ok=True)
    encoders.reset()
    yield
    encoders.reset()
    shutil.rmtree(paths.models_folder())


def some_of_each_profession() -> Iterator[Expert]:
    taken: Counter[str] = Counter()
    for expert in generate_experts(SAMPLES):
        taken[expert.job_title] += 1
        if taken[expert.job_title] <= OF_EACH:
            yield expert


@pytest.mark.usefixtures("real_model")
def test_the_right_people_are_among_the_first_three():
    Expert.objects.bulk_create(some_of_each_profession())
    snapshot = built_snapshot()
    found = {each: [hit.expert.job_title for hit in search(each, snapshot, 3).hits] for each in RIGHT}
    wrong = {
        sentence: titles
        for sentence, titles in found.items()
        if not any(part in title for part in RIGHT[sentence] for title in titles)
    }
    assert wrong == {}
    assert set(examples()) <= RIGHT.keys()
    assert search("zzqqxx", snapshot).hits == ()
    taught = replace(snapshot, keywords=snapshot.keywords.with_synonyms(Synonyms((SYNONYM,))))
    breach = [hit.expert.job_title for hit in search("we had a data breach", taught, 3).hits]
    assert any(title in breach for title in ("Penetration tester", "Incident responder")), breach
