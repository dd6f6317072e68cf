"""Everything that can go wrong, as one small tree.

    BrunoError
    ├── InvalidInput          a picture, key file or value that cannot be sent
    ├── ConnectionFailed      the server cannot be reached
    ├── StreamBroken          the answer ended, or went silent, before the painting
    ├── UnexpectedAnswer      something answered, but not in Bruno's words
    └── ServerProblem         the server said what is wrong: code, field, status, request_id
        ├── BadRequest        400  the request cannot be read
        ├── Unauthorized      400, 401, 403  the token is missing, wrong or expired
        ├── TooLarge          413  more bytes or pixels than the server takes
        ├── NotAnImage        415  the bytes are no picture, or a broken one
        ├── OutOfRange        422  a value that can be read but not used
        ├── Full              503  no place in the line; retry_after in seconds, or None
        ├── OutOfMemory       507  the painting does not fit beside the others
        └── ServerFailure     500  a defect of the server
            └── Interrupted   500, 502, 503, 504  the worker was restarted under the request

>>> import bruno
>>> try:
...     bruno.Bruno().paint("photo.jpg", "starry-night.jpg", alpha=-1)
... except bruno.OutOfRange as problem:
...     print(problem.code, problem.field, problem.status)
option_out_of_range alpha 422
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar


class BrunoError(Exception):
    """Whatever goes wrong with a painting; `str()` is one sentence for people."""

    users_mistake: ClassVar[bool] = False


class InvalidInput(BrunoError, ValueError):
    """A picture, key file or value that cannot be sent."""

    users_mistake = True


class ConnectionFailed(BrunoError):
    """The server cannot be reached."""


class StreamBroken(BrunoError):
    """The answer ended, or went silent, before the painting."""


class UnexpectedAnswer(BrunoError):
    """Something answered, but not in Bruno's words."""


class ServerProblem(BrunoError):
    """The server said what is wrong.

    `code` is a stable word, `field` the part of the request it is about (or None), `status`
    the HTTP status and `request_id` the name of the request in the server's log (or None).
    """

    def __init__(
        self,
        detail: str,
        *,
        code: str,
        status: int,
        field: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.status = status
        self.field = field
        self.request_id = request_id

    def __reduce__(self) -> tuple[Any, ...]:
        """Made again with its keywords, which an exception's own way of being copied leaves out."""
        again = partial(type(self), self.detail, code=self.code, status=self.status)
        return again, (), vars(self)


class BadRequest(ServerProblem):
    """The request cannot be read."""

    users_mistake = True


class Unauthorized(ServerProblem):
    """The token is missing, wrong or expired."""

    users_mistake = True


class TooLarge(ServerProblem):
    """More bytes or pixels than the server takes."""

    users_mistake = True


class NotAnImage(ServerProblem):
    """The bytes are no picture, or a broken one."""

    users_mistake = True


class OutOfRange(ServerProblem):
    """A value that can be read but not used."""

    users_mistake = True


class Full(ServerProblem):
    """No place in the line; `retry_after` is the server's hint in seconds, or None."""

    retry_after: float | None = None


class OutOfMemory(ServerProblem):
    """The painting does not fit beside the others."""


class ServerFailure(ServerProblem):
    """A defect of the server."""


class Interrupted(ServerFailure):
    """The worker was restarted under the request."""


_KINDS: Mapping[int, type[ServerProblem]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Unauthorized,
    413: TooLarge,
    415: NotAnImage,
    422: OutOfRange,
    502: Interrupted,
    503: Full,
    504: Interrupted,
    507: OutOfMemory,
}


def from_problem(problem: Mapping[str, Any]) -> ServerProblem:
    """Makes the exception of an RFC 9457 problem, as the service writes it."""
    status, code = int(problem["status"]), str(problem["code"])
    kind = Interrupted if code == "interrupted" else _KINDS.get(status, ServerFailure)
    error = kind(
        str(problem["detail"]),
        code=code,
        status=status,
        field=problem.get("field"),
        request_id=problem.get("request_id"),
    )
    if isinstance(error, Full) and problem.get("retry_after") is not None:
        error.retry_after = float(problem["retry_after"])
    return error
