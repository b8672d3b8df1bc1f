"""Whether two hosts of a configuration are the same one, by what they say; nobody is asked (no DNS)."""

from __future__ import annotations

import ipaddress
import socket

_HERE = "localhost"
"""This machine, whatever it is called: `localhost` is 127.0.0.1 here and ::1 there."""
_NAMES = (_HERE, "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback")


def canonical(host: str) -> str:
    """One spelling for all forms of an address: short and hexadecimal IPv4, long and mapped IPv6, capitals, a last dot.

    A name stays a name: two names of one device, or a name and its address, are not found to be the same.
    """
    name = host.strip().lower().removesuffix(".")
    if name in _NAMES or name.endswith(f".{_HERE}"):  # RFC 6761, 6.3
        return _HERE
    found = _address(name)
    if found is None:
        return name
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    here = found.is_unspecified or found in (ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1"))
    return _HERE if here else str(found)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))  # 127.1, 0x7f000001: what a resolver takes for numbers
    except (OSError, UnicodeEncodeError):
        return None
