"""Which addresses are those of one caller."""

from __future__ import annotations

import pytest

from indexing.lib.addresses import one_caller


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("", ""),
        ("somewhere", "somewhere"),
    ],
)
def test_one_caller_of_ipv6_has_a_whole_network(address, caller):
    assert one_caller(address) == caller
