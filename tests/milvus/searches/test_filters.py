"""The tests of tests/search/test_filters.py that search a version, once more, on Milvus."""

from tests.search.test_filters import (  # noqa: F401
    people,
    test_k_come_back_where_k_exist,
    test_nobody_passing_is_nobody_found,
    test_the_hidden_leave_no_gap_under_a_filter_either,
)
