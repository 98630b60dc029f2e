"""The measurement of drift: what it reports."""

from __future__ import annotations

import json

from tests.benchmarks import command


def test_it_measures_drift_in_a_folder_of_its_own(capfd):
    assert command.main(["drift", "--experts", "100", "--times", "1", "--json"]) == 0
    (size,) = json.loads(capfd.readouterr().out)["sizes"]
    assert [each["changed"] for each in size["measured"]] == [0, 1, 100]
    assert all(each["cpu_seconds"] >= 0 for each in size["measured"])
    assert size["profile_bytes"] > 0
