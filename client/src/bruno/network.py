"""What all that goes over a network has in common."""

from __future__ import annotations

from typing import Final

from bruno.version import __version__

USER_AGENT: Final = f"bruno-paint/{__version__}"
PIECE_BYTES: Final = 2**16


def reason_of(error: Exception) -> str:
    """Why nothing answered, in words; of the exceptions of requests and of httpx2."""
    name, said = type(error).__name__, str(error).lower()
    if name == "ConnectTimeout":
        return "it did not answer in time"
    # What requests (a ValueError) and httpx2 raise for an address that is none.
    if isinstance(error, ValueError) or name in ("InvalidURL", "UnsupportedProtocol"):
        return "an address is like http://127.0.0.1:8080"
    if "refused" in said or "all connection attempts failed" in said:
        return "connection refused; is the server running?"
    if "resolve" in said or "name or service" in said or "getaddrinfo" in said:
        return "there is no such host"
    return name
