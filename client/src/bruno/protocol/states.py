"""What state a server is in, from answers that any of its parts gives."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Final, Literal, cast, get_args

from bruno.errors import (
    BrunoError,
    InternalServerError,
    ServerFullError,
    StreamBrokenError,
)
from bruno.protocol.servers import UNLOADED

State = Literal["ready", "busy", "full", "warming", "draining", "broken"]

_STATES: Final = get_args(State)


def from_health(status: int, body: bytes) -> State | None:
    """The state that an answer of `HEALTH` tells; None where it is nobody's who knows."""
    try:
        word = json.loads(body)["health"]
    except (KeyError, TypeError, ValueError):
        return None
    is_told = status in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE) and word in _STATES
    return cast(State, word) if is_told else None


def from_problem(problem: BrunoError) -> State | None:
    """The state that a failed description tells; None where TorchServe's ping has to tell.

    Raises the problem where it tells nothing of a state: a wrong token, say.
    """
    if isinstance(problem, ServerFullError):
        return "full"
    if isinstance(problem, InternalServerError) and problem.code == UNLOADED:
        return "warming"
    if isinstance(problem, StreamBrokenError | InternalServerError):
        return None
    raise problem


def from_ping(status: int) -> State:
    """The state of a TorchServe whose worker is silent: it starts anew, or keeps failing to."""
    return "warming" if status == HTTPStatus.OK else "broken"
