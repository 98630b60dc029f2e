"""The bucket is away, refuses, or dies in the middle: search goes on, runs say so, and nothing has to begin again."""

from __future__ import annotations

import threading
import time

import pytest
from django.core.management import call_command

from experts.models import Expert
from indexing import search
from indexing.errors import BucketUnavailable, SnapshotInvalid
from indexing.lib import paths, process_state
from indexing.models import IndexState, IndexVersion, RebuildRun, ServingProcess
from indexing.serving import live
from indexing.versions import bucket, decisions, opening
from indexing.versions.bucket import patience, pieces, s3
from indexing.worker import execute
from tests.support import cast, version_cast
from tests.support.bucket_server import READ_ONLY
from tests.support.fakes import HashEncoder
from tests.support.html_reading import html
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """Requests are tried again for a moment only."""
    monkeypatch.setattr(s3, "RETRY_FOR", s3.RETRY_FOR * 0.1)


@pytest.fixture
def encoded(monkeypatch) -> list[int]:
    """How many texts were encoded, each time."""
    counts: list[int] = []
    encode = HashEncoder.encode

    def counting(self, texts, *arguments, **named):
        counts.append(len(texts))
        return encode(self, texts, *arguments, **named)

    monkeypatch.setattr(HashEncoder, "encode", counting)
    return counts


def new_keys(monkeypatch, **keys: str) -> None:
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    process_state.forget_all()


def test_while_the_bucket_is_away_search_goes_on_and_a_run_fails_before_it_encodes(server, web, client, encoded):
    cast.published(4)
    web()
    until(lambda: ServingProcess.objects.exclude(folder_token="").exists())
    Expert.objects.filter(username="expert-001").update(bio="Now restores church organs.")
    server.kill()
    until(lambda: "it does not answer" in live.problem())
    assert search.search("bread", live.current()).version == 1
    answer = client.get("/readyz")
    assert answer.json()["status"] in ("degraded", "not ready")
    assert "cannot be used: it does not answer" in answer.json()["checks"]["live_version"]["detail"]
    client.force_login(cast.staff("indexing.view"))
    until(lambda: "Some servers cannot get new versions" in html(client.get("/admin/index/")))
    encoded.clear()
    run = cast.rebuild()
    assert run.state == RebuildRun.State.FAILED
    assert run.error.startswith("The bucket s3://tcs/")
    assert not encoded
    server.start()
    until(lambda: live.problem() == "")
    assert cast.rebuild().state == RebuildRun.State.DONE


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "an expired one"}, "SignatureDoesNotMatch"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "InvalidAccessKeyId"),
        (READ_ONLY, "AccessDenied"),
    ],
)
def test_keys_that_do_not_work_are_said_before_anything_is_encoded(keys, why, monkeypatch, encoded):
    cast.experts(3)
    new_keys(monkeypatch, **keys)
    began = time.monotonic()
    run = cast.rebuild()
    assert run.state == RebuildRun.State.FAILED
    assert f"it answers with {why}" in run.error
    assert not encoded
    assert time.monotonic() - began < patience.RETRY_FOR_SECONDS / 4  # nobody waits for keys to become right


def test_a_server_that_dies_in_the_middle_of_an_upload_is_waited_for(server, monkeypatch):
    cast.experts(8)
    sent: list[str] = []
    killed: list[threading.Timer] = []
    write_file = s3.S3Bucket.write_file

    def dying(self, name, path):
        if len(sent) == 5 and not killed:
            server.kill()
            killed.append(threading.Timer(0.5, server.start))
            killed[0].start()
        write_file(self, name, path)
        sent.append(name)

    monkeypatch.setattr(s3.S3Bucket, "write_file", dying)
    run = cast.rebuild()
    assert run.state == RebuildRun.State.DONE, run.error
    killed[0].join()
    assert len(sent) == len(set(sent))  # what had arrived before was not sent again
    process_state.forget_all()
    assert live.load_now().number == 1


def test_a_run_gives_up_on_a_bucket_that_stays_away_and_the_next_sends_the_rest(server, monkeypatch):
    cast.experts(8)
    first = cast.rebuild()
    Expert.objects.filter(username="expert-001").update(bio="Now restores church organs.")
    monkeypatch.setattr(patience, "RETRY_FOR_SECONDS", 0.5)
    keep = bucket.keep

    def after_the_server_died(*arguments):
        server.kill()
        keep(*arguments)

    with monkeypatch.context() as dying:
        dying.setattr(execute.bucket, "keep", after_the_server_died)
        run = cast.rebuild()
    assert run.state == RebuildRun.State.FAILED
    assert "does not answer" in run.error
    assert IndexState.read().live_version_id == first.version_id
    server.start()
    assert cast.rebuild().state == RebuildRun.State.DONE


def test_a_download_goes_on_where_the_server_died(server, machine, monkeypatch):
    cast.experts(60)
    assert cast.rebuild().state == RebuildRun.State.DONE
    version = IndexVersion.objects.get()
    machine("web1")
    monkeypatch.setattr(pieces, "CHUNK", 512)
    read, got, deaths = s3.S3Bucket.read, [], []

    def dying(self, name, start=0, length=None):
        if len(got) >= 40 and not deaths:
            deaths.append(name)
            server.kill()
        block = read(self, name, start, length)
        got.append((name, start))
        return block

    monkeypatch.setattr(s3.S3Bucket, "read", dying)
    with pytest.raises(BucketUnavailable):
        bucket.folder_of(version)
    assert not paths.version_folder(1).exists()
    before = {each for each in got if each[0].startswith("objects/")}
    server.start()
    got.clear()
    assert opening.open_snapshot(version).number == 1
    assert not before.intersection(got)
    assert not list(paths.version_folder(1).parent.parent.glob("downloads/0*"))


def test_a_restarted_machine_serves_what_it_has_while_the_bucket_is_away(server, machine, web):
    version_cast.two_versions()
    machine("web1")
    web()
    until(lambda: all(bucket.is_here(version) for version in opening.searchable()))
    live.stop()
    server.kill()
    process_state.forget_all()
    web()
    assert until(lambda: live.served.get().snapshot).number == 2
    decisions.roll_back(1, cast.command_actor(), "It finds nobody.")
    until(lambda: live.current().number == 1)


def test_an_empty_machine_says_why_it_serves_nothing(server, machine, web, client):
    cast.published(3)
    machine("web1")
    server.kill()
    web()
    until(lambda: "it does not answer" in live.problem())
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "it does not answer" in answer.json()["checks"]["live_version"]["detail"]
    server.start()
    assert until(lambda: live.served.get().snapshot).number == 1


def test_a_worker_with_another_bucket_publishes_nothing(web, settings):
    cast.published(3)
    web()
    until(lambda: ServingProcess.objects.exclude(folder_token="").exists())
    live.stop()
    row = ServingProcess(host="web1", pid=7, process_start="1", folder_token="f" * 32)
    row.save()
    run = cast.rebuild()
    assert run.state == RebuildRun.State.FAILED
    assert "does not share the bucket of the web processes" in run.error


def test_commands_say_that_the_bucket_is_away(server, machine):
    cast.published(3)
    machine("web1")
    server.kill()
    with pytest.raises(SnapshotInvalid, match="it does not answer"):
        opening.open_snapshot(IndexVersion.objects.get())
    with pytest.raises(Exception, match="it does not answer"):
        call_command("verify_index")
