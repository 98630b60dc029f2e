"""The tests of tests/search/test_searcher.py in which vectors are compared, once more, on Milvus."""

from tests.search.test_searcher import (  # noqa: F401
    people,
    pytestmark,
    snapshot,
    test_a_vector_from_the_caller_is_used_as_it_is,
    test_any_text_is_answered,
    test_hidden_and_deleted_experts_are_never_shown_and_are_replaced,
    test_hybrid_adds_up_what_stands_out_in_meaning_and_the_words_found,
    test_hybrid_tells_the_similarity_of_what_only_words_found,
    test_many_threads_search_at_once,
    test_semantic_orders_by_cosine_similarity,
    test_the_lists_are_read_to_their_end_when_nearly_everybody_is_hidden,
    test_there_are_k_hits_or_as_many_as_experts,
)
