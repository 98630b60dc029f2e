"""Synonyms: the rules for one, what a version does with them, and how they are tried before they take effect."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile

from experts.models import Expert
from indexing import drift
from indexing.drift import status as drift_status
from indexing.models import SearchTest, Synonym
from indexing.models.searches import Mode
from indexing.quality import synonym_files, synonym_trial
from indexing.quality.synonyms import MAX_OTHERS, SAMPLES, SynonymForm, add_samples
from indexing.search import search
from indexing.serving import live
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.synonyms import Synonyms
from tests.support import cast
from tests.support.index_cast import FULL, built_snapshot

pytestmark = pytest.mark.django_db

LIST, TRIAL = "/admin/indexing/synonym/", "/admin/index/lab/synonyms/"
BELA, IVO, HANA = (
    Expert(username="bela", job_title="C# Developer", bio="ASP.NET Core and C# services."),
    Expert(username="ivo", job_title="Senior C++ Developer", bio="Writes C++17 for trading engines."),
    Expert(username="hana", job_title="Adviser", bio="Everything about the human resources of factories."),
)


def add(typed: str, found: str, *, both_ways: bool = True) -> Synonym:
    form = SynonymForm({"typed": typed, "found": found, "both_ways": both_ways})
    assert form.is_valid(), form.errors
    synonym: Synonym = form.save()
    return synonym


def problems(typed: str, found: str, *, both_ways: bool = True) -> str:
    return str(SynonymForm({"typed": typed, "found": found, "both_ways": both_ways}).errors)


def found(query: str, snapshot: Snapshot) -> list[str]:
    return [hit.expert.username for hit in search(query, snapshot, 5, Mode.KEYWORD).hits]


def built() -> Snapshot:
    return built_snapshot(replace(FULL, synonyms=Synonyms(Synonym.objects.entries())))


def test_what_nobody_writes_is_found_once_the_synonyms_exist():
    Expert.objects.bulk_create([BELA, IVO, HANA])
    queries = ("csharp", "cpp", "HR", "C#", "gdpr")
    without = built_snapshot()
    assert not any(found(query, without) for query in ("csharp", "cpp"))
    add_samples()
    add("csharp developer", "dot net", both_ways=False)
    version = built_snapshot(replace(FULL, number=2, fence=2, synonyms=synonym_trial.current()))
    assert [found(query, version)[:1] for query in queries] == [["bela"], ["ivo"], ["hana"], ["bela"], []]
    first = search("csharp services", version, 3).hits[0]
    assert first.expert.username == "bela"


def test_one_way_finds_in_one_way_only():
    cast.experts(3)
    Expert.objects.filter(username="expert-001").update(bio="Plays the alphorn.")
    Expert.objects.filter(username="expert-002").update(bio="Has a brass instrument.")
    add("brass instrument", "alphorn", both_ways=False)
    version = built()
    assert set(found("brass instrument", version)[:2]) == {"expert-001", "expert-002"}
    assert found("alphorn", version) == ["expert-001"]


def test_a_version_keeps_the_synonyms_that_it_was_built_with():
    Expert.objects.bulk_create([BELA, IVO])
    add("csharp", "C#")
    version = built()
    Synonym.objects.all().delete()
    assert found("csharp", version) == ["bela"]
    assert found("csharp", synonym_trial.with_current(version)) == []
    assert found("csharp", version) == ["bela"], "a trial changes nothing"
    assert [(each.kind, each.typed) for each in synonym_trial.changes(version)] == [
        ("removed", "c#"),
        ("removed", "csharp"),
    ]


@pytest.mark.parametrize(
    ("typed", "found", "said"),
    [
        ("", "C#", "Say what people type."),
        ("csharp", "  ", "Say what is found as well."),
        ("!?", "C#", "There is no word in it"),
        ("csharp", "🎉", "There is no word in it"),
        ("\u202e\u200b", "C#", "There is no word in it"),
        ("C#", "c#", "Both sides are the same"),
        ("Müller", "mu\u0308ller!", "Both sides are the same"),
        ("x" * 81, "C#", "at most 80 characters"),
        ("会" * 80, "C#", "It is too long."),
        ("csharp", "c#", "These two are synonyms already: csharp → C#."),
        ("C#", "CSharp", "These two are synonyms already: csharp → C#."),
    ],
)
def test_what_makes_no_sense_is_refused_and_says_why(typed, found, said):
    add("csharp", "C#", both_ways=False)
    assert said in problems(typed, found)
    assert Synonym.objects.count() == 1


def test_a_word_has_a_few_synonyms_only():
    for number in range(MAX_OTHERS):
        add("tool", f"hammer{number}", both_ways=bool(number % 2))
    assert "It has 10 synonyms already" in problems("saw", "tool")
    assert not problems("saw", "hammer1")


def test_the_samples_are_added_once():
    assert (add_samples(), add_samples()) == (len(SAMPLES), 0)
    assert ("gdpr", "data protection") in {(a.lower(), b) for a, b in Synonym.objects.entries()}
    assert ("data protection", "GDPR") not in Synonym.objects.entries()


@pytest.fixture
def keeper(client):
    rights = [f"indexing.{action}_synonym" for action in ("add", "change", "delete", "view")]
    client.force_login(cast.staff(*rights, "indexing.add_searchtest", username="kim"))
    return client


@pytest.mark.django_db(transaction=True)
def test_staff_keep_them_try_them_and_the_next_version_has_them(keeper):
    Expert.objects.bulk_create([BELA, IVO, HANA])
    cast.published()
    page = keeper.post(
        f"{LIST}add/", {"typed": " csharp ", "found": "C#", "both_ways": "on"}, follow=True
    ).content.decode()
    assert "Synonyms take effect with the next rebuild." in page
    assert TRIAL in page
    assert LogEntry.objects.get().object_repr == "csharp = C#"
    assert 'alt="False"' in keeper.get(LIST).content.decode(), "not in the live version yet"
    assert found("csharp", live.current()) == []
    assert "1 synonym changed" in drift_status.latest().sentence
    assert drift_status.latest().as_dict()["synonyms"] == 1

    test = SearchTest.objects.create(text="csharp")
    test.expected.add(Expert.objects.get(username="bela"))
    page = keeper.get(TRIAL, {"q": "csharp", "mode": "keyword", "run": "1"}).content.decode()
    assert "will also find “<bdi>c#</bdi>”" in page
    columns = page.partition("lab-column-after")
    assert "C# Developer" not in columns[0].partition("lab-column-before")[2]
    assert "C# Developer" in columns[2]
    comparison = synonym_trial.compare(live.current())
    assert (comparison.total_b.found, comparison.total_b.score) == (1, 1.0)
    assert found("csharp", live.current()) == []

    cast.published_again()
    assert found("csharp", live.current()) == ["bela"]
    assert drift_status.latest().synonyms == 0
    assert 'alt="False"' not in keeper.get(LIST).content.decode()
    assert "nothing to try" in keeper.get(TRIAL).content.decode()


def test_changing_one_shows_its_error_and_deleting_says_what_follows(keeper):
    one, two = add("csharp", "C#"), add("cpp", "C++")
    answer = keeper.post(f"{LIST}{two.pk}/change/", {"typed": "c#", "found": "csharp"})
    assert "These two are synonyms already: csharp = C#." in answer.content.decode()
    answer = keeper.post(f"{LIST}{two.pk}/change/", {"typed": "cpp", "found": "C++"}, follow=True)
    assert "Synonyms take effect" in answer.content.decode()
    assert str(Synonym.objects.get(pk=two.pk)) == "cpp → C++"
    answer = keeper.post(f"{LIST}{one.pk}/delete/", {"post": "yes"}, follow=True)
    assert "Synonyms take effect" in answer.content.decode()
    assert LogEntry.objects.count() == 2


def test_without_the_permission_nobody_sees_or_changes_them(client):
    client.force_login(cast.staff("experts.view_expert"))
    assert client.get(LIST).status_code == 403
    assert client.post(f"{LIST}add/", {"typed": "a1", "found": "b1"}).status_code == 403
    assert client.get(TRIAL).status_code == 403


def test_the_trial_needs_a_version(keeper):
    assert "There is no version to search yet." in keeper.get(TRIAL, {"q": "x", "run": "1"}).content.decode()
    assert drift.status.latest().synonyms == 0


def test_a_row_of_the_searches_leads_to_the_form_with_the_words_filled_in(keeper):
    page = keeper.get(f"{LIST}add/", {"typed": "c sharp"}).content.decode()
    assert re.search(r'name="typed" value="c sharp"', page)


def upload(client, content: str | bytes, *, name: str = "synonyms.csv"):
    data = content.encode() if isinstance(content, str) else content
    return client.post(f"{LIST}import/", {"file": SimpleUploadedFile(name, data)})


def test_what_is_exported_can_be_imported_again(admin_client):
    add_samples()
    add("=SUM(A1)", "totals")
    exported = admin_client.get(f"{LIST}export/").content
    assert b"'=SUM(A1),totals,yes" in exported
    entries = Synonym.objects.entries()
    Synonym.objects.filter(typed="cpp").delete()
    Synonym.objects.filter(typed="csharp").update(both_ways=False)
    response = upload(admin_client, exported)
    assert (response.status_code, response.headers["location"]) == (302, LIST)
    assert Synonym.objects.entries() == entries
    assert "Added: 1. Changed: 1. As they were: 4." in admin_client.get(LIST).content.decode()
    assert LogEntry.objects.count() == 2


def test_a_spreadsheets_file_is_read_too(admin_client):
    upload(admin_client, "Typed;Found;Both ways\r\nMünchen;Munich;no\r\n\r\n".encode("cp1252"))
    assert Synonym.objects.entries() == (("München", "Munich"),)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("typed,found\ncsharp,C#\ncpp,!!!\n", "Line 3: There is no word in it"),
        ("typed,found\ncsharp,C#\nC#,csharp\n", "Line 3: The same two are in line 2."),
        ("typed,found,both_ways\ncsharp,C#,perhaps\n", "Line 2: “perhaps” is neither yes nor no."),
        ("typed,found\ncsharp,\n", "Say what is found as well."),
        ("typed,found\ncsharp," + "x" * 90, "at most 80 characters"),
        ("typed,found\ncsharp,C#,C,D\n", "Line 2 has more cells"),
        ('typed,found\ncsharp,"C#\n', "unexpected end of data"),
        ("name,age\nx,y\n", "The first line must name the columns"),
        (b"\0\x01\x02" * 50, "The first line must name the columns"),
        (b"PK\x03\x04....", "another kind of file"),
        ("typed,found\n" + "".join(f"a{n},b{n}\n" for n in range(3)), "more than 2 rows"),
        ("typed,found\n" + "x" * 2**18, "larger than 256 KB"),
        ("", "The file is empty."),
    ],
)
def test_a_wrong_file_changes_nothing_and_says_why(admin_client, monkeypatch, content, sentence):
    monkeypatch.setattr(synonym_files, "MOST_ROWS", 2)
    page = html.unescape(upload(admin_client, content).content.decode())
    assert sentence in page
    assert not Synonym.objects.exists()


def test_who_may_only_add_synonyms_changes_none_with_a_file(client):
    add("csharp", "C#")
    client.force_login(cast.staff("indexing.add_synonym"))
    assert (
        "You may add synonyms, but not change this one."
        in upload(client, "typed,found,both_ways\ncsharp,C#,no\n").content.decode()
    )
    assert Synonym.objects.get().both_ways
