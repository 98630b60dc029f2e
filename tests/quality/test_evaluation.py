"""The measures against values calculated by hand, the files of queries, and `evaluate_search`."""

from __future__ import annotations

import io
import json
import math

import pytest
from django.core.management import CommandError, call_command

from experts.models import Expert
from indexing.errors import QueriesInvalid
from indexing.models import IndexState, IndexVersion
from indexing.quality.evaluation import JudgedQuery, evaluate, ndcg, read_queries, recall, reciprocal_rank
from indexing.search import Mode
from tests.support import cast
from tests.support.fakes import HashEncoder
from tests.support.index_cast import built, built_snapshot

RANKED = list("abcdefghijkl")


@pytest.mark.parametrize(
    ("relevant", "mrr", "gain", "share"),
    [
        ("a", 1.0, 1.0, 1.0),
        ("c", 1 / 3, 0.5, 1.0),  # 1 / log2(4)
        ("j", 1 / 10, 1 / math.log2(11), 1.0),
        ("k", 0.0, 0.0, 0.0),  # eleventh: too late
        ("ab", 1.0, 1.0, 1.0),
        ("bz", 1 / 2, 0.6309297535714574 / (1 + 0.6309297535714574), 0.5),
        ("acz", 1.0, 1.5 / (1 + 0.6309297535714574 + 0.5), 2 / 3),
        ("z", 0.0, 0.0, 0.0),
        ("", 0.0, 0.0, 0.0),
    ],
)
def test_measures_by_hand(relevant, mrr, gain, share):
    assert reciprocal_rank(RANKED, set(relevant)) == pytest.approx(mrr)
    assert ndcg(RANKED, set(relevant)) == pytest.approx(gain)
    assert recall(RANKED, set(relevant)) == pytest.approx(share)


def test_more_relevant_than_k_can_be_perfect_except_in_recall():
    assert ndcg(RANKED, set(RANKED)) == pytest.approx(1.0)
    assert recall(RANKED, set(RANKED)) == pytest.approx(10 / 12)
    assert ndcg(RANKED, {"a", "b", "d"}, k=2) == pytest.approx(1.0)


def test_nothing_found_is_nothing():
    assert (reciprocal_rank([], {"a"}), ndcg([], {"a"}), recall([], {"a"})) == (0.0, 0.0, 0.0)


def written(tmp_path, text: str, name: str = "queries.json"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_json_and_csv_say_the_same(tmp_path):
    asked = [{"query": " two, bees ", "usernames": ["ann", "bob", "ann"]}, {"query": "tax", "usernames": ["eve"]}]
    from_json = read_queries(written(tmp_path, json.dumps(asked)))
    text = '\ufeffquery,username\r\n"two, bees",ann\r\ntax,eve\r\n"two, bees",bob\r\n'
    assert from_json == [JudgedQuery("two, bees", ("ann", "bob")), JudgedQuery("tax", ("eve",))]
    assert read_queries(written(tmp_path, text, "queries.csv")) == from_json


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[", "is not JSON"),
        ("{}", "must be a JSON list"),
        ("[]", "contains no queries"),
        ('[{"usernames": ["a"]}]', "entry 1: “query” is None"),
        ('[{"query": "a", "usernames": ["b"]}, {"query": " ", "usernames": ["a"]}]', "entry 2: “query” is ' '"),
        ('[{"query": "a", "usernames": []}]', "entry 1: “usernames” is []"),
        ('[{"query": "a", "usernames": "ann"}]', "“usernames” is 'ann'"),
        ('[{"query": "a", "usernames": [""]}]', "“usernames” is ['']"),
        ("[7]", "entry 1"),
        ("", "has no column query, username"),
        ("query,user\na,b\n", "has no column username. Its first line must be “query,username”"),
        ("query,username\n", "contains no queries"),
        ("query,username\na,b\nc\n", "line 3: “username” is None"),
        (b"query,username\n\xff,a\n", "is not in UTF-8 (byte 15)"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_place(tmp_path, text, why):
    path = written(tmp_path, text, "queries.txt")
    with pytest.raises(QueriesInvalid) as caught:
        read_queries(path)
    assert why in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(QueriesInvalid, match="cannot be read: No such file"):
        read_queries(tmp_path / "none.json")


@pytest.fixture
def version(db) -> IndexVersion:
    cast.experts(16)
    made = built()
    version = IndexVersion.objects.create(
        number=1, state=IndexVersion.State.LIVE, manifest_sha256=made.manifest_sha256, expert_count=made.experts
    )
    IndexState.objects.update(live_version=version)
    return version


QUERIES = [
    {"query": "expert-003", "usernames": ["expert-003"]},
    {"query": "Number007", "usernames": ["EXPERT-007", "gone"]},
    {"query": "who is that", "usernames": ["nobody"]},
]


@pytest.mark.django_db
def test_unknown_usernames_do_not_count_but_the_lost_do():
    cast.experts(16)
    snapshot = built_snapshot()
    Expert.objects.create(username="new", first_name="New", last_name="Person")
    Expert.objects.filter(username="expert-004").update(is_active=False)
    found = evaluate(
        [
            JudgedQuery("expert-003", ("expert-003",)),
            JudgedQuery("Number007", ("EXPERT-007", "expert-004")),
            JudgedQuery("zzz", ("nobody",)),
            JudgedQuery("New Person", ("new",)),
        ],
        snapshot,
        [Mode.KEYWORD],
    )
    assert (found.queries, found.unknown, found.skipped) == (3, ("expert-004", "nobody"), ("zzz",))
    measures = found.modes[Mode.KEYWORD]
    assert (measures.mrr, measures.ndcg, measures.recall) == pytest.approx((2 / 3, 2 / 3, 2 / 3))


@pytest.mark.django_db
def test_queries_are_encoded_in_one_go_and_not_at_all_for_words(monkeypatch):
    cast.experts(8)
    snapshot = built_snapshot()
    calls: list[int] = []
    encode = HashEncoder.encode

    def counted(self, texts, role):
        calls.append(len(texts))
        return encode(self, texts, role)

    monkeypatch.setattr(HashEncoder, "encode", counted)
    queries = [JudgedQuery(f"expert-00{number}", (f"expert-00{number}",)) for number in range(1, 6)]
    evaluate(queries, snapshot, [Mode.KEYWORD])
    assert calls == []
    steps: list[int] = []
    evaluate(queries, snapshot, progress=steps.append)
    assert calls == [5]
    assert sum(steps) == 15


def run(*arguments: object) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("evaluate_search", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_command_shows_the_modes_side_by_side_and_says_what_it_left_out(version, tmp_path):
    out, err = run(written(tmp_path, json.dumps(QUERIES)))
    lines = out.splitlines()
    assert lines[0] == "Version 1; experts: 16, queries: 2"
    assert lines[1].split() == ["MRR@10", "nDCG@10", "Recall@10", "ms"]
    assert [line.split()[0] for line in lines[2:]] == ["semantic", "keyword", "hybrid"]
    assert lines[4].split()[1:4] == ["1.0000", "1.0000", "1.0000"]
    assert "2 usernames match no active expert and are ignored: gone, nobody" in err
    assert "1 queries have no other expected experts" in err


def test_json_is_one_object_on_stdout(version, tmp_path):
    out, _ = run(written(tmp_path, json.dumps(QUERIES)), "--json", "--version", 1, "--mode", "keyword")
    answer = json.loads(out)
    assert (answer["version"], answer["queries"], answer["at"]) == (1, 2, 10)
    assert (answer["skipped"], answer["unknown_usernames"]) == (["who is that"], ["gone", "nobody"])
    assert list(answer["modes"]) == ["keyword"]
    assert answer["modes"]["keyword"]["ndcg"] == 1.0


def test_missing_the_wanted_ndcg_exits_with_1_after_the_table(version, tmp_path):
    asked = [*QUERIES[:2], {"query": "Number009", "usernames": ["expert-012"]}]
    path = written(tmp_path, json.dumps(asked))
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"nDCG@10 of keyword is 0\.6667, below 0\.9000") as caught:
        call_command(
            "evaluate_search", str(path), "--min-ndcg=0.9", "--mode=keyword", stdout=out, stderr=io.StringIO()
        )
    assert caught.value.returncode == 1
    assert "keyword" in out.getvalue()
    run(path, "--min-ndcg", 0.6, "--mode", "keyword")


def test_a_bad_file_exits_with_2_and_a_missing_version_with_1(version, tmp_path):
    for text in ("[", json.dumps(QUERIES[2:])):
        with pytest.raises(CommandError) as caught:
            run(written(tmp_path, text))
        assert caught.value.returncode == 2
    with pytest.raises(CommandError, match="There is no version 9") as caught:
        run(written(tmp_path, json.dumps(QUERIES)), "--version", 9)
    assert caught.value.returncode == 1


@pytest.mark.parametrize("value", ["1.1", "-0.1", "nan", "much"])
def test_the_wanted_ndcg_is_a_share(version, tmp_path, value):
    with pytest.raises(CommandError, match="is not a number from 0 to 1"):
        run(written(tmp_path, json.dumps(QUERIES)), f"--min-ndcg={value}")


@pytest.mark.django_db
def test_without_an_index_it_says_so(tmp_path):
    cast.experts(3)
    with pytest.raises(CommandError, match="no index yet") as caught:
        run(written(tmp_path, json.dumps(QUERIES)))
    assert caught.value.returncode == 1
