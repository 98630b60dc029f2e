"""The tests of tests/search/test_facet_counts.py once more, on Milvus."""

from tests.search.test_facet_counts import *  # noqa: F403
