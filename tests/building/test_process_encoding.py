"""Shards of texts are encoded in several processes of this machine, which end with the build."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from indexing import encoders
from indexing.building import process_encoding, shards
from indexing.building.shards import Shards
from indexing.encoders import ModelEncoder
from indexing.encoders.protocol import MIN_COSINE
from indexing.errors import Cancelled, EncoderUnavailable
from indexing.lib.ownership import MARK
from indexing.models import RebuildRun
from indexing.serving import live
from tests.support import cast, tiny_models
from tests.support.fakes import HashEncoder
from tests.support.index_cast import RecordedStage
from tests.support.waiting import until

TEXTS = {bytes([number]) * 16: f"welder of ships, beekeeper and tax adviser {number}" for number in range(48)}
KEYS = list(TEXTS)
HERE = str(Path(shards.__file__).parents[2])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def model(folder) -> Path:
    return tiny_models.make_exported(folder / "tiny", folder / "models")


@pytest.fixture
def encoder(folder, model, settings, monkeypatch) -> ModelEncoder:
    """A tiny model, for this process and for those that it starts, which read the environment."""
    settings.TCS_MODEL_PATH, settings.DATA_DIR = str(model), folder
    for name, value in (
        ("TCS_MODEL_PATH", str(model)),
        ("TCS_DATA_DIR", str(folder)),
        ("TCS_ENCODER", "indexing.encoders.ModelEncoder"),
    ):
        monkeypatch.setenv(name, value)
    (folder / MARK).unlink(missing_ok=True)
    monkeypatch.setattr(shards, "SIZE", 4)
    return ModelEncoder()


def encode(encoder: ModelEncoder | HashEncoder, store: Shards, stage: RecordedStage | None = None) -> np.ndarray:
    return shards.encode(KEYS, TEXTS, encoder, store, stage or RecordedStage("embed"), processes=2)[0]


def are_the_same(vectors: np.ndarray, encoder: ModelEncoder) -> bool:
    return bool(((vectors * encoder.encode(list(TEXTS.values()))).sum(axis=1) >= MIN_COSINE).all())


def encoding() -> list[psutil.Process]:
    """The processes that encode for this one."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it is ending
            found += [child] if "spawn_main" in " ".join(child.cmdline()) else []
    return found


def test_two_processes_encode_what_one_would_and_end(encoder, tmp_path):
    seen: set[int] = set()
    stage = RecordedStage("embed", stop=lambda stage: seen.update(each.pid for each in encoding()))
    assert are_the_same(encode(encoder, Shards(tmp_path, encoder.fingerprint), stage), encoder)
    assert (stage.done, stage.total) == (48, 48)
    assert len(seen) == 2
    assert encoding() == []


def test_a_process_that_is_killed_fails_the_build_and_the_next_one_encodes_the_rest(encoder, tmp_path):
    store = Shards(tmp_path, encoder.fingerprint)

    def stop(stage: RecordedStage) -> None:
        if stage.done:
            for each in encoding():
                each.kill()

    with pytest.raises(EncoderUnavailable, match=r"A process that encodes has ended .* TCS_WORKER_PROCESSES=1\."):
        encode(encoder, store, RecordedStage("embed", stop=stop))
    assert encoding() == []
    stage = RecordedStage("embed")
    assert are_the_same(encode(encoder, store, stage), encoder)
    assert 0 < stage.done <= 48 - 4


def test_a_cancelled_build_leaves_no_process(encoder, tmp_path):
    def stop(stage: RecordedStage) -> None:
        if stage.done:
            raise Cancelled

    with pytest.raises(Cancelled):
        encode(encoder, Shards(tmp_path, encoder.fingerprint), RecordedStage("embed", stop=stop))
    assert encoding() == []


def test_a_process_with_another_model_is_refused(encoder, tmp_path):
    with pytest.raises(EncoderUnavailable, match="it encodes with tiny"):
        encode(HashEncoder(), Shards(tmp_path, "fake"))


def test_a_single_shard_needs_no_other_process(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SIZE", 256)
    monkeypatch.setattr(process_encoding, "encode", None)
    assert are_the_same(encode(encoder, Shards(tmp_path, encoder.fingerprint)), encoder)


def test_the_processes_share_the_threads(encoder, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    asked: list[tuple[int, int]] = []

    def refuse(processes: int, _context: Any, *, initargs: tuple[int, int], **_options: Any) -> None:
        asked.append((processes, initargs[1]))
        raise Cancelled

    monkeypatch.setattr(process_encoding, "ProcessPoolExecutor", refuse)
    with pytest.raises(Cancelled):
        encode(encoder, Shards(tmp_path, encoder.fingerprint))
    assert asked == [(2, 3)]


BEGINS = """
import os, signal
os.environ["DJANGO_SETTINGS_MODULE"] = "tcs_site.settings"
from indexing.building import process_encoding
process_encoding._begin(os.getppid(), 3)
from django.apps import apps
print(apps.ready, os.environ["OMP_NUM_THREADS"], signal.getsignal(signal.SIGINT) == signal.SIG_IGN)
"""


def test_a_process_has_its_part_of_the_threads_and_leaves_interrupts_to_the_build(encoder):
    variables = os.environ | {"PYTHONPATH": HERE}
    said = subprocess.check_output([sys.executable, "-c", BEGINS], env=variables, text=True)
    assert said == "True 3 True\n"


BUILDS = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "tcs_site.settings"
django.setup(set_prefix=False)
from indexing.building import process_encoding
from indexing.building.dask_encoding import Shard
from indexing.encoders import ModelEncoder

class Stage:
    def advance(self, count=1):
        if count:
            print("encoding", flush=True)

if __name__ == "__main__":
    many = [Shard(str(number), [f"text {number}"]) for number in range(1_000_000)]
    for _each in process_encoding.encode(2, ModelEncoder(), many, Stage()):
        pass
"""


def test_they_end_with_a_build_that_is_killed(encoder, tmp_path):
    script = tmp_path / "builds.py"
    script.write_text(BUILDS)
    with subprocess.Popen(
        [sys.executable, str(script)], env=os.environ | {"PYTHONPATH": HERE}, stdout=subprocess.PIPE, text=True
    ) as building:
        assert building.stdout is not None
        assert building.stdout.readline() == "encoding\n"
        children = psutil.Process(building.pid).children()
        assert len(children) >= 2
        building.send_signal(signal.SIGKILL)
        building.wait()
    until(lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in children))


@pytest.mark.django_db(transaction=True)
def test_a_run_encodes_in_as_many_processes_as_the_setting_says(encoder, settings, monkeypatch):
    settings.TCS_ENCODER, settings.TCS_WORKER_PROCESSES = "indexing.encoders.ModelEncoder", 2
    encoders.reset()
    cast.experts(24)
    began: list[int] = []

    def noted(processes: int, *of: Any) -> Any:
        began.append(processes)
        return shards._here(*of)  # the others start real ones

    monkeypatch.setattr(process_encoding, "encode", noted)
    run = cast.rebuild()
    assert (run.state, run.encoded) == (RebuildRun.State.DONE, 24), run.error
    assert began == [2]
    assert len(live.load_now()) == 24
