"""One request and its answer, without the network between: the same for both clients."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Final, cast

from bruno.errors import (
    BrunoError,
    ConnectError,
    InvalidInputError,
    StreamBrokenError,
    UnexpectedResponseError,
)
from bruno.protocol import servers
from bruno.protocol.retries import Retries
from bruno.protocol.servers import Key
from bruno.records import Description

Timeout = float | tuple[float, float]

DEFAULT_URL: Final = "http://127.0.0.1:8080"
DEFAULT_TIMEOUT: Final = (5.0, 60.0)
DEFAULT_RETRIES: Final = 5
DEFAULT_PATIENCE: Final = 600.0


def authorization(token: str | None) -> dict[str, str]:
    """The header that shows a token, where there is one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


@dataclass(frozen=True)
class Outgoing:
    """What is sent, and the media type that its answer must have."""

    body: bytes
    content_type: str
    accept: str

    def headers(self, token: str | None) -> dict[str, str]:
        """The headers that go with it."""
        headers = servers.body_headers(self.content_type) | {"Accept": self.accept}
        return headers | authorization(token)


DESCRIBE: Final = Outgoing(servers.DESCRIBE, "application/json", "application/json")


class Server:
    """Where requests go, with which key and how patiently; what its answers mean."""

    def __init__(
        self,
        url: str | None,
        token: str | None,
        key_file: str | os.PathLike[str] | None,
        timeout: Timeout,
        retries: int,
        patience: float,
    ) -> None:
        if not token and not key_file:
            token = os.environ.get("BRUNO_TOKEN")
            key_file = os.environ.get("BRUNO_KEY_FILE")
        self.given_url = url or os.environ.get("BRUNO_URL") or DEFAULT_URL
        self.url = self.given_url.rstrip("/")
        self.key = Key(token, key_file)
        self.timeout = two_timeouts(timeout)
        self._retries, self._patience = whole("retries", retries, 0), patience_of(patience)

    @property
    def address(self) -> str:
        """Where requests are sent."""
        return self.url + servers.PATH

    def retries(self) -> Retries:
        """How often, and for how long, a painting is tried again."""
        return Retries(self._retries, self._patience, time.monotonic)

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> BrunoError:
        """What an answer with a status other than 200 says is wrong."""
        hint = headers.get("Retry-After", "")
        return servers.refusal(self.url, status, media_type(headers), hint, body)

    def check_type(self, outgoing: Outgoing, headers: Mapping[str, str]) -> None:
        """Raises UnexpectedResponseError where the answer is of another media type."""
        kind = media_type(headers)
        if kind != outgoing.accept:
            raise UnexpectedResponseError(
                f"{self.url} answered with {kind or 'no content type'} instead of "
                f"{outgoing.accept}: is it a Bruno server?"
            )

    def unreachable(self, reason: str) -> ConnectError:
        """The error of a server that cannot be reached."""
        return ConnectError(f"{self.url} cannot be reached: {reason}")

    def hung_up(self, outgoing: Outgoing) -> BrunoError:
        """What it means that the server hung up before it answered."""
        if len(outgoing.body) > servers.BODY_BYTES:
            detail = f"{self.url} hung up on a request of {len(outgoing.body)} bytes"
            return servers.too_large(detail)
        error = self.broken()
        error.before_it_began = True
        return error

    def broken(self) -> StreamBrokenError:
        """The error of a connection that broke."""
        return StreamBrokenError(
            f"the connection to {self.url} broke before the answer was complete"
        )

    def silent(self, seconds: float | None = None) -> StreamBrokenError:
        """The error of a connection without a byte for too long: those of the timeout, if None."""
        silence = self.timeout[1] if seconds is None else seconds
        return StreamBrokenError(f"{self.url} sent nothing for {silence:.3g} seconds")

    def within(self, seconds: float) -> Server:
        """The same with timeouts of so many seconds at most."""
        hurried = copy(self)
        hurried.timeout = min(self.timeout[0], seconds), min(self.timeout[1], seconds)
        return hurried

    def described(self, body: bytes) -> Description:
        """The description that an answer holds."""
        try:
            description: dict[str, Any] = json.loads(body)
            return cast(Description, {**description, "health": str(description["health"])})
        except (KeyError, TypeError, ValueError):
            raise UnexpectedResponseError(
                f"{self.given_url} described itself in other words than Bruno's"
            ) from None


def media_type(headers: Mapping[str, str]) -> str:
    """The media type of an answer, without its parameters."""
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()


def two_timeouts(timeout: Timeout) -> tuple[float, float]:
    """Seconds to connect and seconds of silence; one number serves for both."""
    both = tuple(timeout) if isinstance(timeout, tuple | list) else (timeout, timeout)
    if len(both) != 2 or not all(map(_are_seconds, both)):
        raise InvalidInputError(
            "timeout must be seconds above 0, or two numbers of them (to connect, and without a "
            f"byte), got {timeout!r}"
        )
    return both


def patience_of(seconds: float) -> float:
    """Seconds that a painting may be kept waiting; raises InvalidInputError for nonsense."""
    if seconds != 0 and not _are_seconds(seconds):
        raise InvalidInputError(f"patience must be seconds from 0, got {seconds!r}")
    return seconds


def whole(name: str, number: int, least: int) -> int:
    """A whole number; raises InvalidInputError below `least`, and for what is none."""
    if not isinstance(number, int) or isinstance(number, bool) or number < least:
        raise InvalidInputError(f"{name} must be a whole number from {least}, got {number!r}")
    return number


def _are_seconds(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < cast(float, value) < float("inf")
