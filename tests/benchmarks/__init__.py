"""Measurements of the running system on sample directories: `python -m tests.benchmarks {search,map,drift}`."""
