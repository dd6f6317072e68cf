"""Everything that can go wrong, as one small tree.

* BrunoError
  * InvalidInputError         a picture, key file or value that cannot be sent
  * ConnectError              the server cannot be reached
  * StreamBrokenError         the answer ended, or went silent, before the painting
  * UnexpectedResponseError   something answered, but not in Bruno's words
  * StatusError               the server said what is wrong: code, field, status, request_id
    - BadRequestError         400  the request cannot be read; 404, 405, 408, 411, too
    - AuthenticationError     400, 401, 403  the token is missing, wrong or expired
    - RequestTooLargeError    413  more bytes or pixels than the server takes
    - NotAnImageError         415  the bytes are no picture, or a broken one
    - OutOfRangeError         422  a value that can be read but not used
    - ServerFullError         429, 503  no place or memory now, or too many at once; retry_after
    - OutOfMemoryError        507  the painting does not fit beside the others
    * InternalServerError     500  a defect of the server
      - WorkerRestartedError  500, 502, 503, 504  the worker was restarted under the request

The names of version 0.1 (`OLD_NAMES`) are the same classes; they warn, and go with version 0.3.

>>> import bruno
>>> try:
...     bruno.Bruno().paint("photo.jpg", "starry-night.jpg", alpha=-1)
... except bruno.OutOfRangeError as problem:
...     print(problem.code, problem.field, problem.status)
option_out_of_range alpha 422
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Final


class BrunoError(Exception):
    """Whatever goes wrong with a painting; `str()` is one sentence for people."""

    users_mistake: ClassVar[bool] = False


class InvalidInputError(BrunoError, ValueError):
    """A picture, key file or value that cannot be sent."""

    users_mistake = True


class ConnectError(BrunoError):
    """The server cannot be reached."""


class StreamBrokenError(BrunoError):
    """The answer ended, or went silent, before the painting.

    `before_it_began` says that the connection was closed before anything was answered.
    """

    before_it_began = False


class UnexpectedResponseError(BrunoError):
    """Something answered, but not in Bruno's words."""


class StatusError(BrunoError):
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


class BadRequestError(StatusError):
    """The request cannot be read."""

    users_mistake = True


class AuthenticationError(StatusError):
    """The token is missing, wrong or expired."""

    users_mistake = True


class RequestTooLargeError(StatusError):
    """More bytes or pixels than the server takes."""

    users_mistake = True


class NotAnImageError(StatusError):
    """The bytes are no picture, or a broken one."""

    users_mistake = True


class OutOfRangeError(StatusError):
    """A value that can be read but not used."""

    users_mistake = True


class ServerFullError(StatusError):
    """No place in the queue, no memory now, or more than one client may ask for at once.

    `retry_after` is the server's hint in seconds, or None.
    """

    retry_after: float | None = None


class OutOfMemoryError(StatusError):
    """The painting does not fit beside the others."""


class InternalServerError(StatusError):
    """A defect of the server."""


class WorkerRestartedError(InternalServerError):
    """The worker was restarted under the request."""


OLD_NAMES: Final[Mapping[str, type[BrunoError]]] = {
    "InvalidInput": InvalidInputError,
    "ConnectionFailed": ConnectError,
    "StreamBroken": StreamBrokenError,
    "UnexpectedAnswer": UnexpectedResponseError,
    "ServerProblem": StatusError,
    "BadRequest": BadRequestError,
    "Unauthorized": AuthenticationError,
    "TooLarge": RequestTooLargeError,
    "NotAnImage": NotAnImageError,
    "OutOfRange": OutOfRangeError,
    "Full": ServerFullError,
    "OutOfMemory": OutOfMemoryError,
    "ServerFailure": InternalServerError,
    "Interrupted": WorkerRestartedError,
}
"""What the errors were called in version 0.1."""


def renamed(name: str) -> type[BrunoError]:
    """The error of an old name, with a warning for the line that asked the module for it."""
    new = OLD_NAMES[name]
    warning = f"bruno.{name} is called bruno.{new.__name__} since version 0.2, and goes with 0.3"
    warnings.warn(warning, DeprecationWarning, stacklevel=3)
    return new


def __getattr__(name: str) -> type[BrunoError]:
    """An error by its name of version 0.1, with a warning."""
    if name not in OLD_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return renamed(name)
