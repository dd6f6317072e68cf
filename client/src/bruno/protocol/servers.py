"""What is peculiar to servers, and known nowhere else: paths, keys, bodies, their own errors.

Bruno speaks in problems of RFC 9457 (`problems`). Around it TorchServe, or a proxy, answers in
words of its own.
"""

from __future__ import annotations

import json
import os
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from bruno.errors import (
    AuthenticationError,
    BrunoError,
    InternalServerError,
    InvalidInputError,
    RequestTooLargeError,
    ServerFullError,
    StatusError,
    UnexpectedResponseError,
    WorkerRestartedError,
)
from bruno.protocol.problems import from_problem

PATH: Final = "/predictions/bruno"
"""Where paintings and descriptions are asked for, below the server's address."""

HEALTH: Final = "/health"
"""Where the ASGI server, and a gateway that knows, tell their state."""

PING: Final = "/ping"
"""Where TorchServe tells whether its worker keeps failing: 200, or 500."""

UNLOADED: Final = "ModelNotFoundException"
"""What TorchServe calls a model that it has not loaded yet."""

DESCRIBE: Final = b'{"describe": true}'
"""The body that asks for a description, as JSON."""

BODY_BYTES: Final = 48 * 2**20
"""The largest request, in bytes. Of much larger ones TorchServe hangs up without an answer."""

_TOKEN: Final = re.compile(r"[!-~]+")


def body_headers(content_type: str) -> dict[str, str]:
    """The headers that say what a body is.

    As bytes it reaches the painter whole: the decoder of TorchServe, which nobody mends any more,
    keeps the memory of forms that it cannot read.
    """
    return {"Content-Type": "application/octet-stream", "X-Bruno-Content-Type": content_type}


class Key:
    """The bearer token: given as such, or read from TorchServe's key file."""

    def __init__(self, token: str | None, key_file: str | os.PathLike[str] | None) -> None:
        self._token = _checked(token) if token else token
        self._file = None if token else key_file

    def token(self) -> str | None:
        """The token to be sent, or None where there is none."""
        if self._token is None and self._file:
            self._token = self._read()
        return self._token

    def renewed(self, refused: str | None) -> str | None:
        """The token that the key file holds instead of the refused one; None without another.

        Other threads may have renewed it since that one was sent.
        """
        if self._file and self._token == refused:
            self._token = self._read()
        return None if self._token == refused else self._token

    def _read(self) -> str:
        try:
            key = str(json.loads(Path(str(self._file)).read_bytes())["inference"]["key"])
        except OSError as error:
            gone = isinstance(error, FileNotFoundError)
            hint = "; a server that was started anew has another" if gone else ""
            raise InvalidInputError(
                f"the key file {self._file} cannot be read: {error.strerror}{hint}"
            ) from None
        except (KeyError, TypeError, ValueError):
            raise InvalidInputError(f"the key file {self._file} holds no inference key") from None
        return _checked(key)


def _checked(token: str) -> str:
    """A token without the end of the line that a file has."""
    if not _TOKEN.fullmatch(token.strip()):
        raise InvalidInputError(
            "token must be letters, digits and signs of ASCII without a blank between them, "
            f"got others among its {len(token)} characters"
        )
    return token.strip()


def refusal(url: str, status: int, media_type: str, hint: str, body: bytes) -> BrunoError:
    """What an answer other than 200 means; `hint` is its Retry-After header."""
    try:
        said = json.loads(body)
        is_ours = media_type == "application/problem+json"
        error: BrunoError = from_problem(said) if is_ours else _torchserves_own(said)
    except (KeyError, TypeError, ValueError):
        error = _without_words(url, status)
    return _with_hint(error, hint)


def _torchserves_own(said: dict[str, Any]) -> StatusError:
    """What TorchServe says itself: {"code", "type", "message"}."""
    status, kind, message = int(said["code"]), str(said["type"]), str(said["message"])
    if kind == "InvalidKeyException":
        return _unauthorized(status)
    if kind == "ServiceUnavailableException":
        detail = f"the server takes no more requests: {message}"
        return ServerFullError(detail, code="full", status=status)
    if "Worker died" in message:
        detail = "the server's worker was restarted under the request"
        return WorkerRestartedError(detail, code="interrupted", status=status)
    if status == HTTPStatus.INSUFFICIENT_STORAGE:
        # Of Java or the worker as a whole: the painter says itself what does not fit.
        detail = f"the server has no memory to spare: {message}"
        return ServerFullError(detail, code="short_of_memory", status=status)
    return InternalServerError(f"TorchServe answered: {message}", code=kind, status=status)


def _without_words(url: str, status: int) -> BrunoError:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return _unauthorized(status)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return too_large(f"{url} refused the request")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ServerFullError(f"{url} takes no more requests", code="too_many", status=status)
    if status in (500, 502, 503, 504):
        detail = f"{url} answered {status} without a reason"
        return WorkerRestartedError(detail, code="interrupted", status=status)
    return UnexpectedResponseError(f"{url} answered {status}: is it a Bruno server?")


def _unauthorized(status: int) -> AuthenticationError:
    return AuthenticationError(
        "the server refused the token: it is missing, wrong or expired; "
        "BRUNO_TOKEN or BRUNO_KEY_FILE must name a valid one",
        code="unauthorized",
        status=status,
    )


def too_large(what: str) -> RequestTooLargeError:
    """The error of a request beyond the largest."""
    return RequestTooLargeError(
        f"{what}: all pictures together must be at most {BODY_BYTES // 2**20} MiB",
        code="body_too_large",
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )


def _with_hint(error: BrunoError, hint: str) -> BrunoError:
    if isinstance(error, ServerFullError) and hint.isdecimal():
        error.retry_after = float(hint)
    return error
