"""The constants of hybrid ranking, with the figures behind them.

nDCG@10 over three dev sets: 500 sentences over 10,501 speakers, 33 plain sentences over 1,500 sample experts, 600
sentences over 764 long profiles. `python -m tests.benchmarks ranking` measures them.
"""

from __future__ import annotations

RARITY = 0.7
"""A word counts (idf / idf of a word that nobody has) ** RARITY times its BM25, so its rarity about idf ** 1.7.

BM25 alone lets a full match of “make”, “old” and “help” weigh as much as one of rare words: plain sentences then find
whoever holds their filler (.606 instead of .686). From idf ** 1.5 to idf ** 2 all do as well."""

WORD_WEIGHT = 1.8
"""Weight of the words against meaning in standard deviations. 1.5 to 2.2 is a plateau."""
KEYWORD_WEIGHT = 3.0
"""The same for a query without any function word, which somebody has boiled down to its keywords. Queries of three
words over the speakers: .139 -> .144, with passages."""

FEEDBACK_EXPERTS, FEEDBACK_TERMS = 5, 10
"""Of the first 5 experts, the 10 words that they have in common and few others have are added to the query: profiles
in other words than the question's are found (pseudo relevance feedback; Lavrenko and Croft, SIGIR 2001)."""
FEEDBACK_TOTAL = 0.6
"""What the added words weigh together, in words that nobody has. It does not grow with the query, so that a long one,
which says enough itself, is disturbed less. Sentences .686 -> .724, long profiles .541 -> .541."""

STRONG_SHARE = 0.45
"""A profile with nearly half of what the words of a query say is a strong match by words: all of them in a long text,
or the rarer half of them in a short one. An unknown word that is one slip away in a text counts just that much
(`near_words.UNKNOWN`)."""
NONSENSE_SHARE = 0.95
"""The similarity from which a match by meaning is strong: so near to somebody in the directory are at most 5 % of
queries that mean nothing. With the packaged model .34 for 1,500 sample experts and .33 for 764 long profiles; the
nearest expert of real queries is at .42 and .50 (medians). A constant would be right for one model only."""

PENALTY = 0.006
"""Times ln(passages) ** 2 is what somebody with several passages loses in similarity: .003 with two, .03 with ten,
.08 with forty. Against .015 * ln(passages): long profiles .605 -> .610 (p .01), three words over speakers .146 ->
.147, speakers +.001, plain sentences -.001. For long profiles alone .045 * ln(passages) would be best (.614), but it
costs speakers .007."""

PIECE_SHARE = 0.2
"""Of the words of a long profile, the share that the piece nearest in meaning decides: words that stand together say
more than the same words in texts about five subjects. .1 to .3 is a plateau."""
FEW_PIECES = 2
"""A profile of that many pieces counts as a whole, one of twice as many half by its nearest piece, one of ten times
that nearly all: the share of a piece, and of its words among those added to the query, is 1 - 2 / pieces.
Long profiles .609 -> .616 (p .07), the other sets within .001. With all of the share for every profile, long profiles
gain .010, and the same texts as 2,491 profiles of one talk each lose .003 instead of gaining .002."""
