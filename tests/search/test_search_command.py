"""`search_experts` and `verify_index`."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from indexing.lib import paths
from indexing.models import IndexState, IndexVersion
from tests.support import cast, damage
from tests.support.index_cast import built

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> IndexVersion:
    """A live version of twelve experts, published as far as a reader can see."""
    cast.experts(12)
    made = built()
    version = IndexVersion.objects.create(
        number=1, state=IndexVersion.State.LIVE, manifest_sha256=made.manifest_sha256, expert_count=made.experts
    )
    IndexState.objects.update(live_version=version)
    return version


def run(*arguments: object) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def failure(*arguments: object) -> CommandError:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return caught.value


def test_it_finds_experts_in_the_live_version(version):
    out, err = run("search_experts", "keeps bees", "and sells honey", "-k", 3)
    lines = out.splitlines()
    assert len(lines) == 3
    assert "Beekeeper" in lines[0]
    assert "6 experts match in version 1" in err


@pytest.mark.parametrize("mode", ["semantic", "keyword", "hybrid"])
def test_json_is_one_object_on_stdout(version, mode):
    out, _ = run("search_experts", "expert-007", "honey", "-k", 12, "--mode", mode, "--json")
    answer = json.loads(out)
    assert (answer["mode"], answer["version"], answer["query"]) == (mode, 1, "expert-007 honey")
    assert "expert-007" in [hit["username"] for hit in answer["hits"]]
    assert set(answer["hits"][0]) >= {"name", "score", "similarity", "semantic_rank", "keyword_rank"}


def test_without_an_index_it_exits_with_1_and_says_what_to_do():
    error = failure("search_experts", "honey")
    assert error.returncode == 1
    assert "no index yet" in str(error)


def test_an_empty_query_exits_with_1(version):
    assert failure("search_experts", "  ").returncode == 1


@pytest.mark.parametrize("k", ["0", "101", "many"])
def test_k_must_be_a_number_from_1_to_100(version, k):
    assert "is not a number from 1 to 100" in str(failure("search_experts", "honey", "-k", k))


def test_an_intact_version_is_reported_as_intact(version):
    out, _ = run("verify_index")
    assert "Version 1 is intact. Experts: 12," in out
    answer = json.loads(run("verify_index", 1, "--json")[0])
    assert (answer["ok"], answer["version"], answer["experts"], answer["error"]) == (True, 1, 12, None)


@pytest.mark.parametrize("name", ["vectors.npy", "ids.npy", "passages.npy", "facets.npz", "manifest.json"])
def test_one_flipped_bit_is_found_and_the_file_named(version, name):
    damage.flip_bit(paths.version_folder(1) / name)
    error = failure("verify_index")
    assert error.returncode == 1
    assert name in str(error)


def test_json_tells_what_is_wrong_too(version):
    (paths.version_folder(1) / "ids.npy").unlink()
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify_index", "--json", stdout=out)
    answer = json.loads(out.getvalue())
    assert answer["ok"] is False
    assert "ids.npy" in answer["error"]


def test_the_message_says_why_a_version_is_missing(version):
    assert "There is no version 9. There are: 1." in str(failure("verify_index", 9))
    IndexVersion.objects.create(number=2, state=IndexVersion.State.DELETED)
    assert "files of version 2 were deleted" in str(failure("verify_index", 2))


def test_without_a_live_version_there_is_nothing_to_verify():
    assert "no index yet" in str(failure("verify_index"))
