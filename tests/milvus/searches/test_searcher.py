"""The tests of tests/search/test_searcher.py once more, on Milvus."""

from tests.search.test_searcher import *  # noqa: F403
