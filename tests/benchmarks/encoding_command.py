"""`python -m tests.benchmarks encoding`: texts a second that the model's export encodes, by size of batch."""

from __future__ import annotations

import argparse
import os
import sys
import time
from statistics import median

from experts import directory
from experts.profiles.text import profile_text
from indexing.encoders import ModelEncoder, batching, onnx_files
from indexing.encoders.onnx_encoder import OnnxEncoder
from tests.benchmarks.common import BenchmarkFailed, positive, print_json

HELP = (
    "Measure encoding on texts of your directory, with the configured model's export, which a rebuild makes. "
    "Set OMP_NUM_THREADS for the number of threads."
)
TOKENS = (256, 512, 1_024)
NOTE = "Medians. Sizes take turns, so other programs slow all of them down. Load of the whole machine: {load:.1f}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--texts", type=positive, default=200, help="texts, evenly spread over the directory (%(default)s)")
    add("--rounds", type=positive, default=5, help="(%(default)s)")
    add("--tokens", type=positive, nargs="+", default=TOKENS, help="tokens in a batch (%(default)s)")
    add("--json", action="store_true", help="one JSON object on stdout")


def run(options: argparse.Namespace) -> None:
    """Print texts a second by the clock and by processor time. Raises BenchmarkFailed and IndexingError."""
    texts = _texts(options.texts)
    model = ModelEncoder()
    try:
        encoder = OnnxEncoder(onnx_files.find_export(model.fingerprint), model.name)
    except onnx_files.NoExport as error:
        raise BenchmarkFailed(f"There is no export of the model: {error}. Rebuild first.") from error
    taken: dict[int, list[tuple[float, float]]] = {size: [] for size in options.tokens}
    for turn in range(options.rounds + 1):
        for size in options.tokens:
            batching.TOKENS = size
            clock, processor = time.perf_counter(), time.process_time()
            encoder.encode(texts)
            if turn:  # the first one warms up
                taken[size].append((time.perf_counter() - clock, time.process_time() - processor))
    rates = {
        size: [round(len(texts) / median(each), 1) for each in zip(*pairs, strict=True)]
        for size, pairs in taken.items()
    }
    note = NOTE.format(load=os.getloadavg()[0])
    if options.json:
        print_json({"note": note, "texts": len(texts), "texts_per_second": rates})
        return
    lines = [f"{'tokens':>7} {'texts/s':>9} {'per processor second':>21}"]
    lines += [f"{size:>7,} {clock:>9} {processor:>21}" for size, (clock, processor) in rates.items()]
    sys.stdout.write("\n".join([*lines, "", note, ""]))


def _texts(count: int) -> list[str]:
    experts = directory.read_active()
    if not experts:
        raise BenchmarkFailed("The directory is empty.")
    return [profile_text(expert) for expert in experts[:: max(1, len(experts) // count)][:count]]
