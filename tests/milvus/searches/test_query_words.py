"""The tests of tests/search/test_query_words.py that search a version, once more, on Milvus."""

from tests.search.test_query_words import (  # noqa: F401
    people,
    test_an_excluded_word_holds_for_meaning_too,
    test_each_case_finds_who_is_meant,
)
