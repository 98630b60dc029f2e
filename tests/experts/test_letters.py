"""Letters that look alike are read as one, in profiles and in queries; nothing else of a text changes."""

from __future__ import annotations

import numpy as np
import pytest

from experts.profiles.letters import plain_letters
from experts.profiles.text import profile_text
from indexing.search import query_vector
from tests.experts.test_profiles import record
from tests.support import cast
from tests.support.index_cast import built_snapshot


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("𝐆𝐫𝐨𝐰𝐭𝐡 ℂ𝕠𝕒𝕔𝕙 𝟙𝟚", "Growth Coach 12"),
        ("Ⓖⓡⓞⓦⓣⓗ 🄰", "Growth A"),
        ("Ｗｉｄｅ１２", "Wide12"),
        ("Griﬃth, ĳs", "Griffith, ijs"),
        ("ﻋﻠﻲ", "علي"),
        ("ﾃﾞｰﾀ", "データ"),
        ("Ver\u00adpleeg\u00adkun\u00addi\u00adge", "Verpleegkundige"),
        ("می\u200cخواهم", "میخواهم"),
        ("zero\u200bwidth\ufeff \u202ejoin\u200der", "zerowidth joiner"),
        ("Full\u2011Stack", "Full-Stack"),
    ],
)
def test_only_the_shape_of_a_letter_changes(text, plain):
    assert plain_letters(text) == plain


@pytest.mark.parametrize(
    "text",
    ["10½ x² H₂O ① ™ ℃ µm 5 km²", "café cafe\u0301 Øre ẞ ł", "ภาษีมูลค่าเพิ่ม น้ำ", "ㄱㄴ 한빛", "数据 データ", "🚀 ❤️", ""],
)
def test_fractions_powers_units_and_other_scripts_stay(text):
    assert plain_letters(text) == text


def test_a_styled_profile_is_embedded_as_a_plain_one():
    assert profile_text(record(job_title="𝐆𝐫𝐨𝐰𝐭𝐡 coach", bio="Ver\u00adpleegt")) == "Growth coach. Verpleegt"


@pytest.mark.django_db
def test_a_styled_query_has_the_vector_of_the_plain_one():
    cast.experts(3)
    snapshot = built_snapshot()
    assert np.array_equal(query_vector("𝐆𝐫𝐨𝐰𝐭𝐡 coa\u00adch", snapshot), query_vector("Growth coach", snapshot))
