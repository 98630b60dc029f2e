"""Failed tests run once more. A test that fails twice has failed, and so have many that fail at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.on_services import RUN_AGAIN_AT_MOST, run_steadily


def run(folder: Path, *bodies: str) -> int:
    tests = "".join(f"def test_{number}():\n    {body}\n" for number, body in enumerate(bodies))
    code = "from pathlib import Path\n\ndef known(name):\n    mark = Path(__file__).with_name(name)\n"
    code += "    before = mark.exists()\n    mark.touch()\n    return before\n\n" + tests
    (folder / "test_them.py").write_text(code)
    options = ["-c", "/dev/null", "--rootdir", str(folder), "-p", "no:django", "-p", "no:randomly"]
    return run_steadily(str(folder / "test_them.py"), *options, cache=str(folder / "cache"))


def once(number: int) -> str:
    """Fails the first time only."""
    return f"assert known('mark{number}')"


def test_a_test_that_passes_the_second_time_is_reported(tmp_path, capfd):
    assert run(tmp_path, "pass", once(1)) == pytest.ExitCode.OK
    assert "UNSTEADY: test_them.py::test_1 " in capfd.readouterr().err


def test_a_test_that_fails_twice_has_failed(tmp_path, capfd):
    assert run(tmp_path, once(0), "assert False") == pytest.ExitCode.TESTS_FAILED
    assert "UNSTEADY" not in capfd.readouterr().err


def test_many_that_fail_at_once_have_failed(tmp_path, capfd):
    assert run(tmp_path, *map(once, range(RUN_AGAIN_AT_MOST + 1))) == pytest.ExitCode.TESTS_FAILED
    assert "once more" not in capfd.readouterr().err
