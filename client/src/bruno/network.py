"""What all that goes over a network has in common."""

from __future__ import annotations

import socket
from typing import Final

import requests
from urllib3.exceptions import LocationParseError

from bruno.version import __version__

USER_AGENT: Final = f"bruno-paint/{__version__}"
PIECE_BYTES: Final = 2**16
# What requests lets through of urllib3 is about a host whose name cannot be one.
NOT_SENT: Final = (requests.RequestException, LocationParseError)
_NO_ADDRESS: Final = ("InvalidURL", "LocalProtocolError", "UnsupportedProtocol")


def reason_of(error: Exception) -> str:
    """Why nothing answered, in words; of the exceptions of requests and of httpx2."""
    name, said = type(error).__name__, str(error).lower()
    if name == "ConnectTimeout":
        return "it did not answer in time"
    # What requests (a ValueError) and httpx2 raise for an address that is none.
    if isinstance(error, ValueError) or name in _NO_ADDRESS:
        return "an address is like http://127.0.0.1:8080"
    if "refused" in said or _was_caused_by(error, ConnectionRefusedError):
        return "connection refused; is the server running?"
    if "resolve" in said or _was_caused_by(error, socket.gaierror):
        return "there is no such host"
    return name


def _was_caused_by(error: BaseException | None, kind: type[OSError]) -> bool:
    while error:
        if isinstance(error, kind):
            return True
        if isinstance(error, BaseExceptionGroup):  # of all the addresses that were tried
            return any(_was_caused_by(one, kind) for one in error.exceptions)
        error = error.__cause__ or error.__context__
    return False
