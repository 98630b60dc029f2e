"""`manage.py evaluate_search --model`: another model beside the current one, before anybody switches."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from experts.models import ExpertTag
from indexing.lib import paths
from indexing.management.commands import evaluate_search
from indexing.models import IndexVersion, SearchTest
from indexing.quality.significance import paired_p
from tests.support import cast, tiny_models

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A model with an export; temporary folders are made in `tmp_path / "temporary"`."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    yield tiny_models.make_exported(tmp_path / "other", paths.models_folder())
    shutil.rmtree(paths.models_folder())


def run(*arguments: object) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("evaluate_search", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_both_models_are_measured_on_the_search_tests_and_nothing_else_changes(other, tmp_path):
    people = cast.experts(16)
    assert cast.rebuild().state == "done"
    for expert in people[:4]:
        SearchTest.objects.create(text=expert.bio).expected.set([expert])
    tags = list(ExpertTag.objects.order_by("pk").values_list())
    before = (sorted(paths.versions_folder().iterdir()), list(IndexVersion.objects.values_list("number", "state")))
    out, err = run("--model", other, "--json")
    found = json.loads(out)
    assert (found["current"]["model"], found["other"]["model"]) == ("hash-encoder", "other")
    for each in (found["current"], found["other"]):
        assert (each["experts"], each["queries"]) == (16, 4)
        assert list(each["modes"]) == ["semantic", "keyword", "hybrid"]
    assert found["current"]["modes"]["keyword"]["ndcg"] == found["other"]["modes"]["keyword"]["ndcg"]
    assert (
        found["other"]["modes"]["semantic"]["ndcg"] == 1.0
    )  # its vectors are means of words, and these are the words
    assert found["p"]["keyword"] == 1.0
    assert "Encoding 16 profiles with other takes about 1 min" in err
    assert list((tmp_path / "temporary").iterdir()) == []
    assert tags == list(ExpertTag.objects.order_by("pk").values_list())
    assert before == (
        sorted(paths.versions_folder().iterdir()),
        list(IndexVersion.objects.values_list("number", "state")),
    )


def test_a_table_shows_them_side_by_side(other, tmp_path):
    people = cast.experts(8)
    assert cast.rebuild().state == "done"
    file = tmp_path / "queries.csv"
    file.write_text(f"query,username\nwho keeps bees,{people[0].username}\n")
    lines = run(file, "--model", other, "--mode", "semantic")[0].splitlines()
    assert lines[0] == "Experts: 8, queries: 1"
    assert lines[1].split() == ["hash-encoder", "other"]
    assert lines[2].split() == [*["MRR@10", "nDCG@10", "Recall@10"] * 2, "p"]
    assert [line.split()[0] for line in lines[3:]] == ["semantic", "p:"]
    assert len(lines[3].split()) == 8


def test_a_signal_stops_it_and_leaves_nothing(other, tmp_path, monkeypatch):
    people = cast.experts(8)
    assert cast.rebuild().state == "done"
    SearchTest.objects.create(text="bees").expected.set(people[:1])
    shown: list[str] = []

    def interrupted(self: evaluate_search.TrialProgress, stage: str, done: int, total: int) -> None:
        shown.append(stage)
        if stage == "keywords":
            assert [each.name for each in (tmp_path / "temporary").glob("*/*")] == ["building"]
            self.interruption.signal = "SIGINT"
        original(self, stage, done, total)

    original = evaluate_search.TrialProgress.__call__
    monkeypatch.setattr(evaluate_search.TrialProgress, "__call__", interrupted)
    with pytest.raises(CommandError, match="Stopped. Nothing has changed") as caught:
        run("--model", other)
    assert caught.value.returncode == 1
    assert "tag" not in shown
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_model_that_is_only_tried_costs_no_other_its_export(other):
    people = cast.experts(3)
    assert cast.rebuild().state == "done"
    for name in ("a" * 64, "b" * 64, "c" * 64):
        (paths.models_folder() / name).mkdir()
    exports = sorted(paths.models_folder().iterdir())
    SearchTest.objects.create(text="bees").expected.set(people[:1])
    run("--model", other, "--mode", "keyword")
    assert sorted(paths.models_folder().iterdir()) == exports


def test_without_search_tests_a_file_is_needed(other):
    with pytest.raises(CommandError, match="There are no search tests") as caught:
        run("--model", other)
    assert caught.value.returncode == 2


def test_a_folder_that_is_not_a_model_is_named(tmp_path):
    people = cast.experts(3)
    assert cast.rebuild().state == "done"
    SearchTest.objects.create(text="bees").expected.set(people[:1])
    with pytest.raises(CommandError, match="nowhere"):
        run("--model", tmp_path / "nowhere")


def test_p_is_small_only_where_one_is_better_nearly_everywhere():
    assert paired_p([0.5] * 20, [0.5] * 20) == 1.0
    assert paired_p([0.1] * 20, [0.5] * 20) == 0.0
    assert 0.05 < paired_p([0.1, 0.9] * 10, [0.9, 0.15] * 10) <= 1.0
