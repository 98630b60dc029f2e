"""How texts are passed to a model, whichever library runs it.

Tried for the export, one thread, paired with batches of 8 texts sorted by letters: how many times less processor time
160 speakers' texts and 120 passages of 500 letters take (medians of three rounds on a busy machine).

| | speakers | passages | vectors |
|---|---|---|---|
| up to 256 tokens a batch | 1.44 | 1.24 | the same |
| **512** | 1.53 | 1.29 | the same |
| 1,024 | 1.32 | 1.17 | the same |
| 2,048 | 1.18 | 1.05 | the same |
| 512, attention and normalisation fused by onnxruntime.transformers | 1.35 | 1.16 | the same |
| 512, int8, dynamic, per channel | 2.35 | 2.01 | cosine .977 at worst, 88 and 94 % of the ten nearest the same |
| 512, the same, feed-forward only | 1.95 | 1.58 | cosine .985 at worst, 90 and 95 % of the ten nearest the same |
| 512, MatMulNBits of 8 bits, blocks of 32 | 1.09 | 0.92 | cosine .9996, 98 to 99 % of the ten nearest the same |

By the clock, 512 tokens were 1.70 and 1.54 times as fast. Dynamic int8 was dropped: its vectors also depend on the
other texts of the batch, so a query or an edited profile would get another vector than the same text in a rebuild.

A query alone has no other text beside it: reading the weights takes most of its time. Against the whole graph, one
thread, paired, 25 tokens in the median, on a processor with AVX-512, VNNI and AMX:

| | times less processor time | cosine, median | at worst |
|---|---|---|---|
| dynamic int8, per channel | 2.34 | .9940 | .9876 |
| MatMulNBits, 8 bits, blocks of 32 | 1.10 | .9997 | .9995 |
| 8 bits, a step for each token | 1.86 | .9976 | .9946 |
| the same, feed-forward only | 1.45 | .9990 | .9981 |
| **8 bits, a step for each token, smoothed** (`onnx_compact`) | 2.10 | .9991 | .9984 |
| the same, and 16 bits where nothing was smoothed | 1.80 | .9994 | .9991 |
| weights of 8 bits, activations of 16 | 1.43 | .9996 | .9993 |
| both of 16, as sums of two numbers of 8 bits | 1.04 | 1.0000 | 1.0000 |

Half of the error came from what the values are made of, and the rest from the feed-forward layers; smoothing takes
most of it. Factors from the normalisation's own weights, without texts, do not help (.9977), nor does moving the
middle of each channel to zero. With dynamic int8 for queries, plain sentences lose .8 % of nDCG@10. With smoothing,
a query or two decide: .7850, .7834, .7828 and .7857 with .55, .6, .65 and .7, .7747 with .5, .7803 with 16 bits
beside, and .7848 with the whole graph, while by meaning alone all of them find more than it does.

Documents would gain less from being near than from being the same: other vectors are another model, for which every
directory is encoded again. They would be encoded 1.9 times as fast (cosine .9979 at worst).

Of ONNX Runtime's own settings, an approximated GELU takes 7 % less time (5 to 13 % for one query) with a cosine of
.999998 at worst: not the same vectors, so it was left. Without the arena or memory patterns, or with denormals as
zero, one query takes as long; with weights that are not packed beforehand, a third to two thirds more.

With two threads, batches side by side took 1.73 and 1.47 times less (clock 1.77 and 1.37), and the threads of ONNX
Runtime within one batch 1.57 and 1.33 (1.69 and 1.32), at a load of 18 on two cores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tokenizers import Encoding

BATCH = 8
"""Texts per forward pass. On a CPU 8 to 32 are faster than 128: small batches of equal length need little padding."""

WINDOW = 512
"""Texts whose tokens are in memory at once; tokenising them takes less than a second."""
TOKENS = 512
"""Tokens per forward pass of the export, padding included: more no longer fit into the processor's cache."""


def batches(texts: Sequence[str], size: int = BATCH) -> Iterator[list[int]]:
    """Indices into `texts`, up to `size` at a time, the longest texts first."""
    # Texts of similar length need little padding (30 % faster). With the longest first, memory peaks right away, and
    # not in the last minute of a long run.
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]), reverse=True)
    for start in range(0, len(order), size):
        yield order[start : start + size]


def windows(texts: Sequence[str]) -> Iterator[list[int]]:
    """Indices into `texts`, up to WINDOW at a time, the longest texts first: for counting their tokens."""
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]), reverse=True)
    for start in range(0, len(order), WINDOW):
        yield order[start : start + WINDOW]


def token_batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices into `lengths`, tokens of each text, the longest first: up to TOKENS at a time, padding included."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row], reverse=True):
        if batch and (len(batch) + 1) * lengths[batch[0]] > TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def encodable(text: str) -> str:
    """The text with lone surrogates, which have no UTF-8 form, replaced by “?”.

    A JSON query or a damaged import can contain them, and tokenizers fail on them.
    """
    return text.encode("utf-8", "replace").decode()


def characters_read(tokens: Encoding, prompt: str, text: str) -> int:
    """How many characters of `text` are in `tokens`, which are those of prompt and text, cut to a model's length."""
    if not tokens.overflowing:
        return len(text)
    last = max((end for _start, end in tokens.offsets), default=0)  # special tokens are at (0, 0)
    return max(0, last - len(prompt))
