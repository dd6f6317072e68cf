"""One request to the server and its answer; everything that TorchServe says becomes an error."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, cast

import requests
from requests.auth import AuthBase
from urllib3.exceptions import ProtocolError

from bruno.errors import (
    AuthenticationError,
    BrunoError,
    ConnectError,
    InternalServerError,
    InvalidInputError,
    RequestTooLargeError,
    ServerFullError,
    StatusError,
    StreamBrokenError,
    UnexpectedResponseError,
    WorkerRestartedError,
    from_problem,
)
from bruno.leaving import Call, LeavableAdapter
from bruno.version import __version__

Timeout = float | tuple[float, float]

BODY_BYTES: Final = 48 * 2**20
_PATH: Final = "/predictions/bruno"
_PIECE_BYTES: Final = 2**16


class Bearer(AuthBase):
    """A token's header; as an explicit `auth` it also keeps requests from using .netrc."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Adds the header."""
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Key:
    """The bearer token: given as such, or read from TorchServe's key file."""

    def __init__(self, token: str | None, key_file: str | os.PathLike[str] | None) -> None:
        self._token = token
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
            return str(json.loads(Path(str(self._file)).read_bytes())["inference"]["key"])
        except OSError as error:
            raise InvalidInputError(
                f"the key file {self._file} cannot be read: {error.strerror}"
            ) from None
        except (KeyError, TypeError, ValueError):
            raise InvalidInputError(f"the key file {self._file} holds no inference key") from None


def two_timeouts(timeout: Timeout) -> tuple[float, float]:
    """Seconds to connect and seconds of silence; one number serves for both."""
    both = tuple(timeout) if isinstance(timeout, tuple | list) else (timeout, timeout)
    if len(both) != 2 or not all(map(_are_seconds, both)):
        raise InvalidInputError(
            "timeout must be seconds above 0, or two numbers of them (to connect, and without a "
            f"byte), got {timeout!r}"
        )
    return both


def _are_seconds(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < cast(float, value) < float("inf")


class Connection:
    """Sends requests from any thread; a refused key is read anew once.

    `timeout` is the seconds to connect, and the seconds that may pass without a byte; one
    number serves for both.
    """

    def __init__(self, url: str, key: Key, timeout: Timeout) -> None:
        self.url = url.rstrip("/")
        self.timeout = two_timeouts(timeout)
        self._key = key
        self._local = threading.local()

    def post(
        self, body: bytes, content_type: str, accept: str, call: Call | None = None
    ) -> requests.Response:
        """The answer to a POST, with status 200 and the media type asked for, its body unread.

        Another thread may leave it by its `call`. Raises ConnectError, StreamBrokenError,
        UnexpectedResponseError or what the server said.
        """
        headers = {"Content-Type": content_type, "Accept": accept}
        token = self._key.token()
        with call.made_here() if call else nullcontext():
            try:
                answer = self._answer(body, headers, token)
            except AuthenticationError:
                if not (renewed := self._key.renewed(token)):
                    raise
                answer = self._answer(body, headers, renewed)
        media_type = _media_type(answer)
        if media_type != accept:
            answer.close()
            raise UnexpectedResponseError(
                f"{self.url} answered with {media_type or 'no content type'} instead of {accept}: "
                "is it a Bruno server?"
            )
        return answer

    def pieces(self, answer: requests.Response) -> Iterator[bytes]:
        """The body as it arrives; raises StreamBrokenError where it is cut off or goes silent."""
        try:
            yield from answer.iter_content(_PIECE_BYTES)
        except requests.RequestException as error:
            raise StreamBrokenError(self._breakage(error)) from None
        finally:
            answer.close()

    def _answer(self, body: bytes, headers: dict[str, str], token: str | None) -> requests.Response:
        try:
            answer = self._session().post(
                self.url + _PATH,
                # As a file it goes out in blocks, and each has the time that all of it would.
                data=io.BytesIO(body),
                headers=headers,
                auth=Bearer(token),
                timeout=self.timeout,
                stream=True,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise self._failure(error, len(body)) from None
        if answer.status_code != HTTPStatus.OK:
            raise self._refusal(answer)
        return answer

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = _new_session()
        session: requests.Session = self._local.session
        return session

    def _failure(self, error: requests.RequestException, size: int) -> BrunoError:
        cause = error.args[0] if error.args else None
        if not isinstance(cause, ProtocolError) and not isinstance(error, requests.ReadTimeout):
            return ConnectError(f"{self.url} cannot be reached: {reason_of(error)}")
        if size > BODY_BYTES and isinstance(cause, ProtocolError):
            return _too_large(f"{self.url} hung up on a request of {size} bytes")
        return StreamBrokenError(self._breakage(error))

    def _breakage(self, error: requests.RequestException) -> str:
        if isinstance(error, requests.ReadTimeout) or "timed out" in str(error):
            return f"{self.url} sent nothing for {self.timeout[1]:g} seconds"
        return f"the connection to {self.url} broke before the answer was complete"

    def _refusal(self, answer: requests.Response) -> BrunoError:
        body = b"".join(self.pieces(answer))
        try:
            said = json.loads(body)
            if _media_type(answer) == "application/problem+json":
                return _with_hint(from_problem(said), answer)
            return _with_hint(_torchserve(said), answer)
        except (KeyError, TypeError, ValueError):
            return _without_words(self.url, answer.status_code)


def _new_session() -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = f"bruno-paint/{__version__}"
    for scheme in ("http://", "https://"):
        session.mount(scheme, LeavableAdapter())
    return session


def _torchserve(said: dict[str, Any]) -> StatusError:
    """What TorchServe says itself: {"code", "type", "message"}."""
    status, kind, message = int(said["code"]), str(said["type"]), str(said["message"])
    if kind == "InvalidKeyException":
        return _unauthorized(status)
    if kind == "ServiceUnavailableException":
        return ServerFullError(
            f"the server takes no more requests: {message}", code="full", status=status
        )
    if "Worker died" in message:
        return WorkerRestartedError(
            "the server's worker was restarted under the request", code="interrupted", status=status
        )
    return InternalServerError(f"TorchServe answered: {message}", code=kind, status=status)


def _without_words(url: str, status: int) -> BrunoError:
    if status in (401, 403):
        return _unauthorized(status)
    if status == 413:
        return _too_large(f"{url} refused the request")
    if status in (500, 502, 503, 504):
        return WorkerRestartedError(
            f"{url} answered {status} without a reason", code="interrupted", status=status
        )
    return UnexpectedResponseError(f"{url} answered {status}: is it a Bruno server?")


def _unauthorized(status: int) -> AuthenticationError:
    return AuthenticationError(
        "the server refused the token: it is missing, wrong or expired; "
        "BRUNO_TOKEN or BRUNO_KEY_FILE must name a valid one",
        code="unauthorized",
        status=status,
    )


def _too_large(what: str) -> RequestTooLargeError:
    return RequestTooLargeError(
        f"{what}: all pictures together must be at most {BODY_BYTES // 2**20} MiB",
        code="body_too_large",
        status=413,
    )


def _with_hint(error: StatusError, answer: requests.Response) -> StatusError:
    hint = answer.headers.get("Retry-After", "")
    if isinstance(error, ServerFullError) and hint.isdecimal():
        error.retry_after = float(hint)
    return error


def _media_type(answer: requests.Response) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def reason_of(error: requests.RequestException) -> str:
    """Why nothing answered, in words."""
    if isinstance(error, requests.ConnectTimeout):
        return "it did not answer in time"
    if isinstance(error, ValueError):  # what requests raises for an address that is none
        return "an address is like http://127.0.0.1:8080"
    if "refused" in str(error):
        return "connection refused; is the server running?"
    if "resolve" in str(error):
        return "there is no such host"
    return type(error).__name__
