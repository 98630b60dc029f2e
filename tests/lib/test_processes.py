"""A process is never taken for another."""

import os
import subprocess
import sys
from dataclasses import replace

from indexing.lib import processes
from indexing.lib.processes import Owner


def test_an_owner_survives_being_written_down():
    assert Owner.from_text(processes.me().as_text()) == processes.me()
    assert Owner.from_text("") is None


def test_a_running_process_is_not_gone():
    assert not processes.me().is_gone


def test_an_ended_process_is_gone_even_as_a_zombie():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = processes.identify(child.pid)
    assert not owner.is_gone
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has asked how
    assert owner.is_gone
    child.wait()
    assert owner.is_gone


def test_another_process_under_the_same_pid_is_not_taken_for_it():
    assert replace(processes.me(), start="12345").is_gone


def test_after_a_restart_of_the_machine_all_are_gone():
    assert replace(processes.me(), boot="an earlier one").is_gone


def test_of_another_machine_nothing_is_known():
    assert not replace(processes.me(), host="elsewhere", pid=1, start="0").is_gone


def test_of_another_container_nothing_is_known_either():
    """One that has the same host name, as with `network_mode: host`: its pids are others."""
    stranger = replace(processes.me(), start="0", space="pid:[1]")
    assert not stranger.is_gone
    assert replace(stranger, boot="an earlier one").is_gone


def test_what_an_earlier_release_wrote_down_is_understood():
    text = processes.me().as_text().replace(f', "space": "{processes.pid_space()}"', "")
    assert "space" not in text
    owner = Owner.from_text(text)
    assert owner is not None
    assert not owner.is_gone
    assert replace(owner, start="0").is_gone
