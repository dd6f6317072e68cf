"""What the gateway is told beside its configuration: its servers, and which of them are ready."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from settings import StartError

ADDRESS = re.compile(r"[A-Za-z0-9_.-]+:[0-9]{1,5}")
# The columns of `show servers state`, for a server of which nothing is known: down, until a check
# says that it can paint.
UNKNOWN = "0 {backend} 0 {name} {host} 0 0 1 1 0 1 0 0 6 0 0 0 - {port} - 0 0 - - 0"


def write_servers(path: Path, servers: Sequence[str], canary: Sequence[str]) -> None:
    """The backends that haproxy.cfg leaves out; each server is named by its address.

    Raises StartError for what is no host:port.
    """
    for address in (*servers, *canary):
        if not ADDRESS.fullmatch(address):
            raise StartError(f"A server must be told as host:port, not {address!r}.")
    lines = [
        "backend fleet from painters",
        *(f"    server {address} {address}" for address in servers),
        "backend canary from painters",
        *(f"    server {address} {address}" for address in canary),
        "backend descriptions from servers",
        *(f"    server {address} {address} track fleet/{address}" for address in servers),
    ]
    path.write_text("\n".join(lines) + "\n")


def write_states(
    path: Path, servers: Sequence[str], canary: Sequence[str], known: Sequence[str]
) -> None:
    """Which servers are up: what `show servers state` told of those `known`, and no other."""
    version, header, *rows = known or ("1", "# nothing is known")
    told = {tuple(row.split()[1:4:2]): row for row in rows if row.strip()}
    places = [("fleet", one) for one in servers] + [("canary", one) for one in canary]
    states = (told.get(place) or _unknown(*place) for place in places)
    path.write_text("\n".join([version, header, *states]) + "\n")


def _unknown(backend: str, address: str) -> str:
    host, _, port = address.rpartition(":")
    try:
        host = socket.gethostbyname(host)
    except OSError:
        raise StartError(f"The server {address} has no address.") from None
    return UNKNOWN.format(backend=backend, name=address, host=host, port=port)


def addresses(listed: str) -> Iterator[str]:
    """The addresses of a list with commas."""
    return (address.strip() for address in listed.split(",") if address.strip())
