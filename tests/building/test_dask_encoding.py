"""Shards of texts are encoded by the workers of a Dask scheduler: a real one, with two workers."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import dask
import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from experts.models import Expert
from indexing import encoders, runs, search
from indexing.building import dask_encoding, shards
from indexing.building.shards import Shards
from indexing.encoders import ModelEncoder, dask_task
from indexing.encoders.dask_task import Equipment
from indexing.encoders.protocol import MIN_COSINE
from indexing.errors import Cancelled, EncoderUnavailable
from indexing.lib import processes
from indexing.lib.ownership import MARK
from indexing.models import IndexState, RebuildRun
from indexing.serving import live
from indexing.worker import execute
from tcs_site import environment
from tests.support import cast, tiny_models
from tests.support.dask_cluster import GIVE_UP_SECONDS, Cluster, certificates
from tests.support.fakes import HashEncoder
from tests.support.index_cast import RecordedStage
from tests.support.services import free_port
from tests.support.waiting import until

WORDS = ("welder", "of ships", "beekeeper", "tax adviser", "for small firms", "keeps bees", "in Besançon", "工程師")
TEXTS = {
    hashlib.blake2b(bytes([number]), digest_size=16).digest(): f"{' '.join(WORDS[: 1 + number % 8])} {number}"
    for number in range(48)
}
KEYS = list(TEXTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("dask")


@pytest.fixture(scope="module")
def model(folder) -> Path:
    return tiny_models.make_exported(folder / "tiny", folder / "models")


@pytest.fixture(scope="module")
def clusters() -> Iterator[list[Cluster]]:
    started: list[Cluster] = []
    yield started
    for each in started:
        each.end()


@pytest.fixture
def cluster(clusters, folder, model) -> Iterator[Cluster]:
    """One for all tests, since a worker takes seconds to start; another if a test has killed its scheduler."""
    if not clusters or clusters[-1].scheduler.poll() is not None:
        clusters.append(Cluster(folder, model))
    yield clusters[-1]
    clusters[-1].go_on()


@pytest.fixture
def encoder(folder, model, settings, monkeypatch) -> ModelEncoder:
    """The workers' model in this process, in a folder that no database of an earlier test has."""
    settings.TCS_MODEL_PATH, settings.DATA_DIR = str(model), folder
    (folder / MARK).unlink(missing_ok=True)
    monkeypatch.setattr(shards, "SIZE", 4)
    return ModelEncoder()


@pytest.fixture
def store(tmp_path, encoder) -> Shards:
    return Shards(tmp_path, encoder.fingerprint)


def encode(
    address: str, encoder: ModelEncoder | HashEncoder, store: Shards | None = None, stage: RecordedStage | None = None
) -> np.ndarray:
    return shards.encode(KEYS, TEXTS, encoder, store, stage or RecordedStage("embed"), address)[0]


def are_the_same(vectors: np.ndarray, encoder: ModelEncoder) -> bool:
    return bool(((vectors * encoder.encode(list(TEXTS.values()))).sum(axis=1) >= MIN_COSINE).all())


class InBackground(threading.Thread):
    """A call whose result, or error, is waited for."""

    def __init__(self, call: Callable[[], np.ndarray]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._found: list[np.ndarray] = []
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self._found.append(self._call())
        except EncoderUnavailable as error:
            self.error = error

    def result(self) -> np.ndarray:
        self.join(60)
        assert self.error is None, self.error
        return self._found[0]


def test_two_workers_encode_what_one_process_would(cluster, encoder, store, caplog):
    cluster.ready(2)
    cluster.hold()
    stage = RecordedStage("embed")
    with caplog.at_level("INFO"):
        building = InBackground(lambda: encode(cluster.address, encoder, store, stage))
        until(lambda: all(map(cluster.at_work, cluster.workers)))
        cluster.go_on()
        assert are_the_same(building.result(), encoder)
    assert (stage.done, stage.total) == (48, 48)
    assert f"Workers of the Dask scheduler {cluster.address} that encode: 2." in caplog.text


def test_a_cancelled_build_ends_at_once_and_the_next_encodes_the_rest(cluster, encoder, store):
    cluster.ready(2)

    def stop(stage: RecordedStage) -> None:
        if stage.done and not cluster.is_held:
            cluster.hold()
        if stage.done and any(map(cluster.at_work, cluster.workers)):
            raise Cancelled

    with pytest.raises(Cancelled):
        encode(cluster.address, encoder, store, RecordedStage("embed", stop=stop))
    assert cluster.is_held
    cluster.go_on()
    stage = RecordedStage("embed")
    assert are_the_same(encode(cluster.address, encoder, store, stage), encoder)
    assert 0 < stage.done == stage.total <= 48 - 4


def test_where_nothing_is_left_to_encode_the_scheduler_is_not_asked(encoder, store):
    encode("", encoder, store)
    assert are_the_same(encode("tcp://127.0.0.1:1", encoder, store), encoder)


@pytest.mark.parametrize("other", ["model", "code"])
def test_a_worker_with_another_model_or_code_is_refused_by_name(cluster, encoder, monkeypatch, caplog, other):
    cluster.ready(2)
    theirs = Equipment.of(encoder)
    monkeypatch.setattr(dask_encoding, "NOBODY_SECONDS", 0.5)
    if other == "code":
        monkeypatch.setattr(dask_task, "CODE", "0123456789abcdef")
    ours = encoder if other == "code" else HashEncoder()
    with pytest.raises(EncoderUnavailable, match="No worker of the Dask scheduler") as caught:
        encode(cluster.address, ours)
    assert str(Equipment.of(ours)) in str(caught.value)
    said = [line for line in caplog.text.splitlines() if "is not used" in line]
    assert len(said) == 2
    assert all(str(theirs) in line and str(Equipment.of(ours)) in line for line in said)


def test_a_worker_checks_it_itself_as_well(encoder, settings):
    settings.TCS_ENCODER = "indexing.encoders.ModelEncoder"
    wanted = Equipment("another", "f" * 64, dask_task.CODE)
    with pytest.raises(EncoderUnavailable, match=r"tiny \(.*another \(ffffffff…"):
        dask_task.encode(["welder"], wanted)


def test_what_workers_of_others_announce_is_left_alone(encoder):
    assert Equipment.announced("GPU") is None
    assert Equipment.announced(Equipment.of(encoder).resource) == Equipment.of(encoder)


def test_a_worker_that_is_killed_in_the_middle_loses_nothing(cluster, encoder, store):
    cluster.ready(2)
    cluster.hold()
    stage = RecordedStage("embed")
    building = InBackground(lambda: encode(cluster.address, encoder, store, stage))
    until(lambda: all(map(cluster.at_work, cluster.workers)))
    cluster.workers[0].kill()
    cluster.workers[0].wait()
    cluster.go_on()
    assert are_the_same(building.result(), encoder)
    assert stage.done == 48


def test_a_scheduler_that_is_killed_ends_the_build_and_the_next_one_resumes(cluster, encoder, store):
    cluster.ready(1)

    def stop(stage: RecordedStage) -> None:
        if stage.done and not cluster.is_held:
            cluster.hold()

    building = InBackground(lambda: encode(cluster.address, encoder, store, RecordedStage("embed", stop=stop)))
    until(lambda: cluster.is_held and any(map(cluster.at_work, cluster.workers)))
    cluster.scheduler.kill()
    building.join(60)
    assert str(building.error).startswith(f"The connection to the Dask scheduler {cluster.address} was lost (")
    cluster.go_on()
    stage = RecordedStage("embed")
    assert are_the_same(encode("", encoder, store, stage), encoder)
    assert 0 < stage.done <= 48 - 4


def test_with_tls_only_those_with_a_certificate_get_in(folder, model, encoder, tmp_path, monkeypatch):
    own = certificates(tmp_path)
    cluster = Cluster(folder, model, own)
    try:
        cluster.ready(1)
        with dask.config.set(own):
            assert are_the_same(encode(cluster.address, encoder), encoder)
        monkeypatch.setattr(dask_encoding, "CONNECT_SECONDS", 0.5)
        with pytest.raises(EncoderUnavailable, match="cannot be reached"):
            encode(cluster.address.replace("tls", "tcp"), encoder)
        (tmp_path / "stranger").mkdir()
        ca = {"distributed.comm.tls.ca-file": own["distributed.comm.tls.ca-file"]}
        with (
            dask.config.set(certificates(tmp_path / "stranger") | ca),
            pytest.raises(EncoderUnavailable, match="cannot be reached"),
        ):
            encode(cluster.address, encoder)
    finally:
        cluster.end()


@pytest.mark.django_db(transaction=True)
def test_without_its_scheduler_a_run_fails_before_anything_is_encoded(settings, monkeypatch):
    monkeypatch.setattr(dask_encoding, "CONNECT_SECONDS", 0.5)
    settings.TCS_ENCODE = f"tcp://127.0.0.1:{free_port()}"
    cast.experts(4)
    run = cast.rebuild()
    assert run.state == RebuildRun.State.FAILED
    assert run.error.startswith(f"The Dask scheduler {settings.TCS_ENCODE} cannot be reached (")
    assert run.done == 0


@pytest.mark.django_db(transaction=True)
def test_a_run_encodes_on_two_workers_publishes_and_is_searched(cluster, encoder, settings):
    settings.TCS_ENCODER, settings.TCS_ENCODE = "indexing.encoders.ModelEncoder", cluster.address
    encoders.reset()
    cast.experts(24)
    baker = Expert.objects.filter(job_title="Baker").first()
    cluster.ready(2)
    cluster.hold()
    InBackground(
        lambda: until(lambda: all(map(cluster.at_work, cluster.workers)), seconds=GIVE_UP_SECONDS) and cluster.go_on()
    )
    run = cast.rebuild()
    assert (run.state, run.encoded) == (RebuildRun.State.DONE, 24), run.error
    assert not cluster.is_held  # both had a shard
    snapshot = live.load_now()
    assert snapshot.number == IndexState.read().live_version_id
    assert search.search(baker.bio, snapshot, 1, search.Mode.SEMANTIC).hits[0].expert == baker
    settings.TCS_ENCODE = ""
    again = runs.request("full", cast.command_actor(), reembed=True)
    claimed = runs.claim(processes.me(), again.pk)
    assert execute.execute(claimed).encoded == 24
    alone = live.load_now()
    assert alone.number == snapshot.number + 1
    assert ((snapshot.vectors * alone.vectors).sum(axis=1) >= MIN_COSINE).all()


def test_the_setting_takes_the_address_of_a_scheduler_only(monkeypatch):
    for given, address in [
        ("", ""),
        ("dask://scheduler:8786", "tcp://scheduler:8786"),
        ("tls://[::1]:8786", "tls://[::1]:8786"),
    ]:
        monkeypatch.setenv("TCS_ENCODE", given)
        assert environment.dask_address("TCS_ENCODE") == address
    for given in ("scheduler:8786", "dask://scheduler", "http://scheduler:8786", "dask://scheduler:x"):
        monkeypatch.setenv("TCS_ENCODE", given)
        with pytest.raises(ImproperlyConfigured, match="is not the address of a Dask scheduler"):
            environment.dask_address("TCS_ENCODE")


def test_a_worker_that_knows_no_scheduler_says_so():
    with pytest.raises(CommandError, match="Set TCS_ENCODE"):
        call_command("encoding_worker")
