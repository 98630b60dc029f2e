"""What people type is words, in any script, and is always answered."""

from __future__ import annotations

import math
import shutil
import threading
from pathlib import Path

import pytest

from indexing.errors import Cancelled
from indexing.snapshot.keyword_index import KeywordIndex, build_index
from indexing.snapshot.keyword_schema import KeywordDocument
from indexing.snapshot.text_analysis import prepare


def document(key: int, **fields: object) -> KeywordDocument:
    empty = {"name": "", "username": f"user{key}", "job_title": "", "company": "", "bio": "", "tags": ()}
    return KeywordDocument(key=key, **{**empty, **fields})


PEOPLE = [
    document(
        1, name="José Müller", username="jose.m", job_title="Data Scientist", bio="Teaches engineers statistics."
    ),
    document(2, name="Anna Świątek", bio="数据科学家，在北京从事机器学习工作"),
    document(3, name="山田 太郎", bio="東京のデータサイエンティスト"),
    document(4, name="Фёдор Ёлкин", bio="Занимается наукой о данных"),
    document(5, name="ليلى حسن", bio="خبيرة في عُلوم البيانات"),
    document(6, name="สมชาย ใจดี", bio="ผู้เชี่ยวชาญวิทยาศาสตร์ข้อมูล"),
    document(7, name="Bjarne Sorensen", job_title="C++ programmer", company="Compilers Inc"),
    document(8, name="김 민수", bio="머신러닝 개발자"),
    document(9, name="राधा शर्मा", bio="हिन्दी वैज्ञानिक"),
    document(10, name="Kate Bush", job_title="Kubernetes administrator", tags=["Cloud infrastructure", "Telecoms"]),
    document(11, name="Carl C", bio="Writes C and C# for a living. IT manager."),
    document(13, name="דנה לוי", bio="מדעניַת נתונים"),
    document(12, name="Ｗｉｄｅ ﬁrm", company="Łódź Straße"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keywords") / "keywords"
    build_index(PEOPLE, folder)
    return KeywordIndex.open(folder)


def found(index: KeywordIndex, query: str) -> list[int]:
    return index.search(query, 50)[0].tolist()


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("jose", 1),
        ("JOSÉ", 1),
        ("muller", 1),
        ("Mu\u0308ller", 1),
        ("engineering", 1),
        ("teaching statistic", 1),
        ("swiatek", 2),
        ("数据科学", 2),
        ("北京", 2),
        ("从事", 2),
        ("机器学习", 2),
        ("山田", 3),
        ("データ", 3),
        ("ﾃﾞｰﾀ", 3),
        ("Елкин", 4),
        ("НАУКОЙ", 4),
        ("علوم", 5),
        ("البيانات", 5),
        ("ข้อมูล", 6),
        ("วิทยาศาสตร์", 6),
        ("c++", 7),
        ("C++?", 7),
        ("개발자", 8),
        ("वैज्ञानिक", 9),
        ("cloud", 10),
        ("telecom", 10),
        ("c#", 11),
        ("IT", 11),
        ("wide firm", 12),
        ("lodz", 12),
        ("strasse", 12),
        ("compilers", 7),
        ("user9", 9),
        ("לוי", 13),
        ("מדענית", 13),
    ],
)
def test_it_is_found_first_in_any_script(index, query, key):
    assert found(index, query)[:1] == [key]


def test_c_plus_plus_is_not_c(index):
    assert found(index, "c++") == [7]
    assert found(index, "C#") == [11]


def test_who_is_called_so_comes_before_who_writes_of_it_where_it_is_more_of_a_name(tmp_path):
    people = [
        document(1, name="Ann Lee", bio="Anderson localisation, Anderson and again Anderson"),
        document(2, name="Anderson Lopez de Souza"),
        document(3, name="Eva María Anderson de la Fuente", bio="of other things " * 20),
        document(4, name="Tom Maria Baker de la Fuente y de la Vega", bio="of other things " * 20),
        *(document(key, name="Ann Lee", job_title="Baker", bio="A baker.", tags=["Baker"]) for key in (5, 6)),
    ]
    build_index(people, tmp_path / "keywords")
    own = KeywordIndex.open(tmp_path / "keywords")
    assert set(found(own, "Anderson")[:2]) == {2, 3}
    assert set(found(own, "baker")[:2]) == {5, 6}


def test_a_word_in_as_many_names_as_texts_is_a_name(tmp_path):
    people = [
        document(1, name="Ann Maria Winter de la Fuente y de la Vega", bio="of other things " * 20),
        document(2, name="Tom Lee", bio="Winter, winter and again winter"),
        *(document(key, name="Ann Lee", bio="of other things " * 20) for key in range(3, 9)),
    ]
    build_index(people, tmp_path / "keywords")
    assert found(KeywordIndex.open(tmp_path / "keywords"), "winter") == [1, 2]


def test_a_username_is_found_but_only_after_those_who_have_it_in_their_profile(tmp_path):
    people = [
        document(1, username="baker"),
        document(2, username="qz-7.x"),
        *(document(key, bio="Nothing to see") for key in range(4, 20)),
        document(3, bio="Works as a baker of bread and of many other things " * 3),
    ]
    build_index(people, tmp_path / "k")
    own = KeywordIndex.open(tmp_path / "k")
    assert found(own, "baker") == [3, 1]
    assert [found(own, name)[0] for name in ("QZ-7.x", " qz-7.x ")] == [2, 2]
    assert own.with_username("BAKER").tolist() == [1]


def test_a_word_that_nobody_has_finds_what_begins_with_it_or_is_one_slip_away(index):
    assert found(index, "kuber") == [10]
    assert found(index, "kubrenetes") == [10]
    assert found(index, "xqzvjk") == []


def test_words_like_the_do_not_decide(index):
    assert found(index, "who is the administrator of a cloud")[0] == 10
    assert found(index, "for a in") == [11] or 11 in found(index, "for a in")


@pytest.mark.parametrize(
    "query",
    [
        "",
        " ",
        "!!!",
        "\x00",
        "\x00\x01\x1f\x7f",
        "🎉🎉",
        "👩‍👩‍👧",
        "\ud800",
        "a\udfffb",
        "\u202eabc",
        "word:",
        "word: AND (",
        'name:"x',
        "[a TO b]",
        "a^2",
        "~",
        "*",
        "a*",
        "\\",
        '+-&&||!(){}[]^"~*?:\\/',
        "NOT",
        "x" * 10_000,
        "x " * 5_000,
        "数" * 10_000,
        " ".join(f"w{n}" for n in range(2_000)),
        "﷽" * 500,
        "\u0301" * 1_000,
        "' OR 1=1 --",
    ],
)
def test_anything_is_answered(index, query):
    keys, scores = index.search(query[:10_000], 50)
    assert len(keys) == len(scores) <= 50
    assert keys.dtype.name == "int64"
    assert scores.dtype.name == "float32"


def test_odd_characters_in_a_document_are_indexed_too(tmp_path):
    build_index([document(1, name="\ud800 nul\x00byte", bio="🎉 party\udfff")], tmp_path / "k")
    assert found(KeywordIndex.open(tmp_path / "k"), "party") == [1]


def test_syntax_has_no_meaning(index):
    assert found(index, "NOT jose") == found(index, "not jose")
    assert found(index, "-jose") == [1]
    assert 1 in found(index, "name:jose AND bio:nothing")


def test_scores_fall_and_ties_go_by_key(tmp_path):
    build_index([document(key, bio="same words") for key in (9, 4, 7)], tmp_path / "k")
    keys, scores = KeywordIndex.open(tmp_path / "k").search("same words", 10)
    assert keys.tolist() == [4, 7, 9]
    assert len(set(scores.tolist())) == 1


def test_no_more_than_k(index):
    assert len(index.search("a c it data", 2)[0]) <= 2
    assert len(index.search("jose", 0)[0]) == 0


def test_it_answers_from_many_threads_after_its_folder_is_gone(tmp_path):
    build_index([document(key, bio=f"word{key} common") for key in range(1, 2_001)], tmp_path / "k")
    index = KeywordIndex.open(tmp_path / "k")
    assert index.count == 2_000
    shutil.rmtree(tmp_path / "k")
    wrong: list[int] = []

    def ask(start: int) -> None:
        wrong.extend(key for key in range(start, start + 100) if found(index, f"word{key}")[:1] != [key])

    threads = [threading.Thread(target=ask, args=(start,)) for start in (1, 300, 700)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_building_tells_progress_and_can_be_stopped(tmp_path):
    reported: list[int] = []
    build_index((document(key) for key in range(1, 1_201)), tmp_path / "k", advance=reported.append)
    assert reported == [500, 500, 200]

    def stop(count: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        build_index((document(key) for key in range(1, 1_201)), tmp_path / "other", advance=stop)


def test_no_lock_file_is_left_by_building(tmp_path):
    build_index(PEOPLE, tmp_path / "k")
    assert not list((tmp_path / "k").glob("*.lock"))


def test_ascii_text_passes_unchanged():
    text = "plain text, 100 %"
    assert prepare(text) is text


def test_a_name_is_found_before_it_is_typed_to_its_end(tmp_path):
    people = [
        document(key, name=f"Valerio {last}", bio="I’m m m m") for key, last in enumerate(("Bianchi", "Rossi"), 1)
    ]
    people += [document(3, name="Valerio Maggio"), document(4, name="Mara Valeri"), document(5, bio="valerio m")]
    build_index(people, tmp_path / "k")
    own = KeywordIndex.open(tmp_path / "k")
    for query in ("Valerio M", "valerio mag", "Valerio Maggio", "Valerio Magio"):
        assert found(own, query)[0] == 3


def test_what_a_query_tells_is_the_sum_of_its_words_and_at_least_one_rare_word(tmp_path):
    build_index([document(key, bio=f"common {'rare' if key == 1 else ''}") for key in range(1, 101)], tmp_path / "k")
    own = KeywordIndex.open(tmp_path / "k")
    unknown, rare = math.log1p(100.5 / 0.5), math.log1p(99.5 / 1.5)
    told = rare * (rare / unknown) ** 0.7
    assert own.parse("common").information == pytest.approx(unknown)
    assert own.parse("").information == pytest.approx(unknown)
    assert own.parse("rare unheard").information == pytest.approx(told + unknown)
    assert own.parse("rare rare unheard the").information == pytest.approx(told + unknown)


def test_a_word_counts_the_more_the_fewer_have_it(tmp_path):
    """A profile with three common words does not beat one with the only rare word of the query."""
    common = "makes old things help"
    people = [document(key, bio=common) for key in range(1, 60)]
    people += [document(60, bio="heating pumps"), *(document(key, bio="other") for key in range(61, 100))]
    build_index(people, tmp_path / "k")
    own = KeywordIndex.open(tmp_path / "k")
    assert found(own, "makes old help heating")[0] == 60
    weights = {word.plain: word.weight for word in own.words("makes old help heating unheard")}
    idf = {"makes": math.log1p(40.5 / 59.5), "heating": math.log1p(98.5 / 1.5), "unheard": math.log1p(99.5 / 0.5)}
    for word, own_idf in idf.items():
        assert weights[word] == pytest.approx((own_idf / idf["unheard"]) ** 0.7)


def test_a_query_without_function_words_is_one_of_keywords(tmp_path):
    build_index([document(1, bio="heating")], tmp_path / "k")
    own = KeywordIndex.open(tmp_path / "k")
    queries = ("heat pumps", "who makes heat pumps", "the", "!")
    assert [own.parse(query).only_keywords for query in queries] == [True, False, False, False]


def test_a_nearly_known_word_tells_as_much_in_a_name_and_half_of_it_in_a_text(tmp_path):
    people = [document(1, bio="maggio"), *(document(key, bio="other") for key in range(2, 100))]
    build_index([*people, document(100, name="Maggio")], tmp_path / "k")
    own = KeywordIndex.open(tmp_path / "k")
    for query in ("magio", "magg"):
        keys, scores = own.search(query, 5)
        assert keys.tolist() == [100, 1]
        shares = (1.0, 0.5) if query == "magg" else (0.95, 0.45)
        assert scores.tolist() == pytest.approx([own.parse(query).information * share for share in shares], rel=0.06)


@pytest.mark.parametrize(
    "query",
    ["Will Smith", "Will S", "will smitt", "Wil Smith", "SMITH will", "Will Simth", "Anna Will Smith"],
)
def test_two_words_may_be_a_name_with_a_slip_and_stop_words_in_it(tmp_path, query):
    people = [document(key, bio="smith, will, anna, smitt, wil: " * 3) for key in range(1, 30)]
    build_index([*people, document(30, name="Anna Will Smith"), document(31, name="Will Jones")], tmp_path / "k")
    assert found(KeywordIndex.open(tmp_path / "k"), query)[0] == 30


def own(folder: Path, *people: KeywordDocument) -> KeywordIndex:
    build_index(people, folder / "own")
    return KeywordIndex.open(folder / "own")


def test_one_is_enough(index):
    assert index.search("jose", 1)[0].tolist() == [1]


def test_an_index_of_nobody_finds_nobody(tmp_path):
    assert found(own(tmp_path), "jose") == []


def test_an_index_is_never_written_over_another(tmp_path):
    (tmp_path / "k").mkdir()
    with pytest.raises(FileExistsError):
        build_index(PEOPLE, tmp_path / "k")


def test_progress_ends_with_the_last_document(tmp_path):
    reported: list[int] = []
    build_index((document(key) for key in range(1, 1_001)), tmp_path / "k", advance=reported.append)
    assert reported == [500, 500]


@pytest.mark.parametrize(
    ("query", "keys"),
    [("mag", [1]), ("ma", []), ("bech", [2]), ("beh", []), ("bah", [])],
    ids=["three letters begin", "two do not", "four may have a slip", "three may not", "nor here"],
)
def test_only_words_that_are_long_enough_are_completed_or_corrected(tmp_path, query, keys):
    people = [document(1, username="a", bio="magistrate"), document(2, username="b", bio="bach")]
    assert found(own(tmp_path, *people), query) == keys


def test_where_as_many_are_called_so_as_write_of_it_it_is_a_name(tmp_path):
    people = [
        document(1, name="Tom Baker de la Fuente y de la Vega"),
        document(2, name="Ann Lee", job_title="Baker", bio="Bakes."),
    ]
    assert found(own(tmp_path, *people), "baker") == [1, 2]


@pytest.mark.parametrize("words", [("Anna", "Smith"), ("Anna", "Maria", "Smith"), ("Anna", "Maria", "Will", "Smith")])
def test_two_to_four_words_may_be_a_name(tmp_path, words):
    """Others have all but one of them in a short name, and that one in their bio."""
    others = [
        document(
            key, name=" ".join(word for word in words if word != words[key % len(words)]), bio=words[key % len(words)]
        )
        for key in range(1, 30)
    ]
    long = f"{' '.join(words)} of Some Very Long and Quite Unusual Place in the Middle of Nowhere at All"
    assert found(own(tmp_path, *others, document(30, name=long)), " ".join(words))[0] == 30


def test_five_words_are_not_taken_for_a_name(tmp_path):
    words = "anna maria will smith jones"
    people = [document(1, name=f"{words} {'of other places ' * 30}"), document(2, bio=words)]
    keys, scores = own(tmp_path, *people, *(document(key, bio="x") for key in range(3, 40))).search(words, 2)
    assert keys.tolist() == [2, 1]
    assert scores[1] < scores[0]


def test_four_letters_of_a_name_may_have_a_slip(tmp_path):
    others = [document(key, name="Jo Smith", bio="wlil") for key in range(1, 30)]
    long = "Will Smith of Some Very Long and Quite Unusual Place in the Middle of Nowhere at All"
    assert found(own(tmp_path, *others, document(30, name=long)), "Wlil Smith")[0] == 30


@pytest.mark.parametrize(
    "query",
    ["statistics engineers", "kate bush", "jose.m", "müler", "C# manager", "cloud telecoms kubernets", "数据", "!"],
)
def test_the_parts_of_a_query_add_up_to_its_score(index, query):
    parsed = index.parse(query)
    for key, score in zip(*(each.tolist() for each in index.search(parsed, 50)), strict=True):
        parts = index.scores_of_parts(parsed, key)
        assert sum(parts) == pytest.approx(score, rel=1e-5)
        assert len(parts) == len(parsed.parts)
    unmatched = {document.key for document in PEOPLE} - set(found(index, query))
    assert not any(sum(index.scores_of_parts(parsed, key)) for key in unmatched)
