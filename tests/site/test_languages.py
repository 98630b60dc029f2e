"""Pages are in Dutch or English, as the browser asks, and the catalogue is complete."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import translation

from experts import admin_history
from experts.models import Expert
from indexing import runlog, runs
from indexing.audit import Actor
from indexing.models import Notification, RebuildRun, RunLogLine
from tests.support import cast
from tests.support.html_reading import Element, parse_html
from tests.support.permission_table import TABLE
from tests.support.security_cast import Scene, one_of_everything
from tests.support.socket_cast import running

FOLDER = Path(settings.BASE_DIR) / "locale" / "nl" / "LC_MESSAGES"
SOURCES = ("accounts", "experts", "indexing", "tcs_site", "templates", "static", "locale")
PLACEHOLDER = re.compile(r"%\(\w+\)[-+ #0]*[\d.]*[a-zA-Z]|%[sd%]|\{\w*\}")
DUTCH, ENGLISH = "nl-NL,nl;q=0.9,en;q=0.5", "en-GB,en;q=0.9"


def catalogue() -> polib.POFile:
    return polib.pofile(str(FOLDER / "django.po"))


def texts(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) or [entry.msgstr]


# --- The catalogue ----------------------------------------------------------------------------------------


def test_every_text_is_translated_and_none_is_fuzzy():
    for entry in catalogue():
        assert entry.translated(), entry.msgid
        assert not entry.fuzzy, entry.msgid


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="gettext is not installed")
def test_every_text_of_the_sources_is_in_the_catalogue(tmp_path):
    for name in SOURCES:
        shutil.copytree(Path(settings.BASE_DIR) / name, tmp_path / name)
    shutil.copy(Path(settings.BASE_DIR) / "manage.py", tmp_path)
    made = subprocess.run(
        [sys.executable, "manage.py", "makemessages", "--locale", "nl", "--no-obsolete"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    gathered = polib.pofile(str(tmp_path / "locale" / "nl" / "LC_MESSAGES" / "django.po"))
    new = [entry.msgid for entry in gathered if not entry.translated() or entry.fuzzy]
    assert not new, "run `make messages` and translate: " + "; ".join(new)
    of_the_sources = {(entry.msgctxt, entry.msgid) for entry in gathered}
    left_over = {(entry.msgctxt, entry.msgid) for entry in catalogue() if not entry.obsolete} - of_the_sources
    assert not left_over, "run `make messages`"


def test_a_translation_has_the_placeholders_of_its_text():
    for entry in catalogue():
        allowed = set(PLACEHOLDER.findall(entry.msgid)) | set(PLACEHOLDER.findall(entry.msgid_plural or ""))
        for number, text in enumerate(texts(entry)):
            used = set(PLACEHOLDER.findall(text))
            assert used <= allowed, (entry.msgid, text)
            wanted = entry.msgid_plural if number else entry.msgid
            assert set(PLACEHOLDER.findall(wanted)) <= used, (entry.msgid, text)
            assert text.startswith(" ") == entry.msgid.startswith(" "), entry.msgid
            assert text.endswith("\n") == entry.msgid.endswith("\n"), entry.msgid


def test_the_compiled_catalogue_is_up_to_date():
    """It is kept in git too, so that `make run` needs no gettext."""
    compiled = {(entry.msgctxt, entry.msgid): texts(entry) for entry in polib.mofile(str(FOLDER / "django.mo"))}
    assert compiled == {(entry.msgctxt, entry.msgid): texts(entry) for entry in catalogue() if not entry.obsolete}


# --- Every text is marked ---------------------------------------------------------------------------------

LITERAL_WORDS = {"TCS", "ms", "MB", "s", "px", "OTR@10", "overlap@10", "nDCG@10", "t-SNE", "WebGL", "›", "rsaquo"}
ATTRIBUTES = re.compile(r'\b(?:title|placeholder|aria-label|alt|summary|aria-description)="([^"]*)"')
BLOCKS_OF_CLASSES = re.compile(r"\{% block (?:bodyclass|coltype) %\}.*?\{% endblock(?: \w+)? %\}", re.DOTALL)
COMMENT = re.compile(r"\{#.*?#\}|\{% comment.*?endcomment %\}", re.DOTALL)
TRANSLATED = re.compile(r"\{% blocktrans(?:late)?\b.*?\{% endblocktrans(?:late)? %\}", re.DOTALL)
TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
MARKUP = re.compile(r"<!DOCTYPE.*?>|<(script|style|svg|kbd|code)\b.*?</\1>|<[^>]*>", re.DOTALL)


def untranslated_words(template: str) -> list[str]:
    bare = template
    for pattern in (COMMENT, BLOCKS_OF_CLASSES, TRANSLATED, TAG):
        bare = pattern.sub(" ", bare)
    words = " ".join([*ATTRIBUTES.findall(bare), MARKUP.sub(" ", bare)])
    return [word for word in re.findall(r"[^\s&|;]*[A-Za-z]{2}[^\s&|;]*", words) if word not in LITERAL_WORDS]


def test_text_that_is_not_marked_is_found():
    assert untranslated_words('<p title="Hello">{{ x }} world</p>{% translate "ours" %}') == ["Hello", "world"]


def test_every_text_of_a_template_is_marked():
    folder = Path(settings.BASE_DIR) / "templates"
    found = {str(each.relative_to(folder)): untranslated_words(each.read_text()) for each in folder.rglob("*.html")}
    assert {name: words for name, words in found.items() if words} == {}


# --- What a browser gets ----------------------------------------------------------------------------------


@pytest.fixture
def scene(settings) -> Scene:
    return one_of_everything(settings)


def seen(element: Element) -> Iterator[str]:
    """Texts and titles that a reader sees."""
    for each in element.walk():
        if each.tag not in ("script", "template"):
            yield from each.texts
            yield from (each.attributes.get(name, "") for name in ("title", "aria-label", "placeholder"))


def english_sentences() -> list[str]:
    """Texts that are too long to be mistaken for data, and differ in Dutch; without those stored in the database."""
    stored = {"The vector index is exact.", *Permission.objects.values_list("name", flat=True)}
    return [
        entry.msgid
        for entry in catalogue()
        if len(entry.msgid) > 18
        and entry.msgid != entry.msgstr
        and not PLACEHOLDER.search(entry.msgid)
        and entry.msgid not in stored
    ]


@pytest.mark.django_db(transaction=True)
def test_a_dutch_browser_sees_dutch_on_every_page(scene):
    client = Client(headers={"Accept-Language": DUTCH})
    client.force_login(cast.staff(username="root", superuser=True))
    sentences, found, pages = english_sentences(), [], 0
    assert len(sentences) > 200
    for row in TABLE:
        if row.door in ("api", "open", "metrics") or row.get != 200:
            continue
        answer = client.get(row.path.format(**scene))
        if not answer["Content-Type"].startswith("text/html"):
            continue
        assert answer["Content-Language"] == "nl", row.path
        page = parse_html(answer.content.decode())
        words = " ".join(seen(page))
        found += [f"{row.path}: {each}" for each in sentences if each in words]
        pages += 1
    assert pages > 50
    assert not found, "\n".join(["", *found])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (DUTCH, ("Zoekindex", "Er zijn nog geen runs", "Index herbouwen")),
        (ENGLISH, ("Search index", "No runs yet", "Rebuild index")),
        ("fr", ("Search index", "No runs yet", "Rebuild index")),
    ],
)
def test_the_browser_chooses_the_language(asked, words):
    client = Client(headers={"Accept-Language": asked})
    client.force_login(cast.staff(username="root", superuser=True))
    page = client.get("/admin/index/").content.decode()
    for word in words:
        assert word in page


@pytest.mark.django_db
@pytest.mark.parametrize(("asked", "detail"), [(DUTCH, "Er is geen run 7."), (ENGLISH, "There is no run 7.")])
def test_the_api_answers_in_the_language_of_the_request(asked, detail):
    client = Client(headers={"Accept-Language": asked})
    client.force_login(cast.staff(username="root", superuser=True))
    assert client.get("/api/admin/ingest/runs/7").json()["detail"] == detail
    assert Client(headers={"Accept-Language": asked}).get("/api/admin/ingest/runs").status_code == 401


@pytest.mark.parametrize(("count", "words"), [(1, "1 expert geactiveerd."), (2, "2 experts geactiveerd.")])
def test_plurals_are_dutch(count, words):
    with translation.override("nl"):
        assert translation.ngettext("%s expert activated.", "%s experts activated.", count) % count == words


# --- What is stored ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_what_is_stored_is_in_the_language_of_the_installation(settings):
    """Mails and the history of a run that a Dutch browser requested are in English if TCS_LANGUAGE is en."""
    settings.TCS_WORKER, settings.TCS_NOTIFY_EMAILS = "external", ["ops@example.org"]
    user = cast.staff(username="root", superuser=True)
    actor = Actor("root", RebuildRun.Via.PAGE, user)
    with translation.override("nl"):
        run = runs.request("full", actor)
        runs.cancel(run.pk, actor)
    run.refresh_from_db()
    assert run.error == "Cancelled by root."
    lines = list(RunLogLine.objects.values_list("message", flat=True))
    assert lines[0] == f"Run {run.pk} (full rebuild) requested by root (page)."
    assert lines[-1] == "Cancellation requested by root (page)."
    assert Notification.objects.get().subject == f"Run {run.pk} (full rebuild) is cancelled"
    said = list(LogEntry.objects.order_by("pk").values_list("object_repr", flat=True))
    assert said == [f"Requested run {run.pk} (full).", f"Cancelled run {run.pk}."]


@pytest.mark.django_db(transaction=True)
def test_an_installation_may_speak_dutch(settings):
    settings.LANGUAGE_CODE, settings.TCS_WORKER = "nl", "external"
    with translation.override("en"):
        run = runs.request("full", cast.command_actor())
    assert run.lines.get().message == f"Run {run.pk} (volledige herbouw) aangevraagd door operator (opdracht)."


@pytest.mark.django_db(transaction=True)
def test_what_a_worker_logs_is_in_the_language_of_the_installation(settings):
    settings.LANGUAGE_CODE = "nl"
    run = running()
    handler = runlog.RunLogHandler(run.pk)
    record = ("indexing", logging.INFO, __file__, 1)
    handler.emit(logging.LogRecord(*record, "Worker %s started.", (7,), None))
    handler.emit(logging.LogRecord(*record, "%s", ("50 % of x",), None))
    handler.emit(logging.LogRecord(*record, "of a library", (), None))
    handler.close()
    lines = list(run.lines.order_by("seq").values_list("message", flat=True))
    assert lines[1:] == ["Werkproces 7 is begonnen.", "50 % of x", "of a library"]


@pytest.mark.django_db
def test_names_of_changed_fields_follow_the_reader():
    """The admin translates them when it shows an entry, so they are stored as the source has them."""
    expert, user = cast.experts(1)[0], cast.staff()
    with translation.override("nl"):
        admin_history.log_changed(user, [expert.pk], ["job_title"], Expert)
    entry = LogEntry.objects.get()
    for language, words in (("nl", "functie"), ("en", "job title")):
        with translation.override(language):
            assert words in str(entry.get_change_message()).lower()
