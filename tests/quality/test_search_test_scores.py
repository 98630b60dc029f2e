"""What a ranked list makes of a search test."""

from __future__ import annotations

import math

import pytest

from indexing.quality.search_test_scores import judge, mean_score

TEN = [f"e{number}" for number in range(1, 13)]


def test_an_expected_expert_counts_within_k_and_an_unwanted_one_within_ten():
    found = judge(TEN, 3, ["e3", "e4"], ["e10", "e11"])
    assert (found.missing, found.unwanted, found.fails) == (("e4",), ("e10",), True)
    assert not judge(TEN, 4, ["e3", "e4"], ["e11"]).fails
    assert judge(TEN, 4, [], ["e1"]).fails


@pytest.mark.parametrize(
    ("expected", "score"),
    [
        (["e1", "e2"], 1.0),
        (["e2"], 1 / math.log2(3)),
        (["e1", "e3"], (1 + 1 / math.log2(4)) / (1 + 1 / math.log2(3))),
        (["e11"], 0.0),  # only the first ten count
        ([], None),
    ],
)
def test_the_score_is_one_if_the_expected_come_first(expected, score):
    found = judge(TEN, 10, expected, ["e1"]).score
    assert found == (None if score is None else pytest.approx(score))


def test_tests_without_a_score_do_not_count_towards_the_mean():
    assert mean_score([1.0, None, 0.5]) == 0.75
    assert mean_score([None]) is None
