"""Network addresses, as limits for one caller see them."""

from __future__ import annotations

import ipaddress


def one_caller(address: str) -> str:
    """What one caller can choose from: an IPv4 address as it is, of an IPv6 address the /64.

    The loopback address, and what cannot be read as an address (a UNIX socket has none), stay as they are.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if isinstance(parsed, ipaddress.IPv4Address) or parsed.is_loopback:
        return str(parsed)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))
