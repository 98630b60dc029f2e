"""The constants of hybrid ranking, with the figures behind them.

nDCG@10 over three dev sets: 500 sentences over 10,501 speakers, 33 plain sentences over 1,500 sample experts, 600
sentences over 764 long profiles. `python -m tests.benchmarks ranking` measures them.
"""

from __future__ import annotations

RARITY = 0.7
"""A word counts (idf / idf of a word that nobody has) ** RARITY times its BM25, so its rarity about idf ** 1.7.

BM25 alone lets a full match of “make”, “old” and “help” weigh as much as one of rare words: plain sentences then find
whoever holds their filler (.607 instead of .708). From idf ** 1.5 to idf ** 2 all do as well."""

WORD_WEIGHT = 1.8
"""Weight of the words against meaning in standard deviations. 1.5 to 2.2 is a plateau."""
KEYWORD_WEIGHT = 3.0
"""The same for a query without any function word, which somebody has boiled down to its keywords. Queries of three
words: speakers .140 -> .147, long profiles .292 -> .309."""
