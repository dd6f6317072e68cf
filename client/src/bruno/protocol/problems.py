"""From what the service says is wrong, a problem of RFC 9457, to the error that it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bruno.errors import (
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotAnImageError,
    OutOfMemoryError,
    OutOfRangeError,
    RequestTooLargeError,
    ServerFullError,
    StatusError,
    WorkerRestartedError,
)

_KINDS: Final[Mapping[int, type[StatusError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: AuthenticationError,
    413: RequestTooLargeError,
    415: NotAnImageError,
    422: OutOfRangeError,
    429: ServerFullError,
    502: WorkerRestartedError,
    503: ServerFullError,
    504: WorkerRestartedError,
    507: OutOfMemoryError,
}


def from_problem(problem: Mapping[str, Any]) -> StatusError:
    """Makes the exception of an RFC 9457 problem, as the service writes it."""
    status, code = int(problem["status"]), str(problem["code"])
    other = BadRequestError if 400 <= status < 500 else InternalServerError
    kind = WorkerRestartedError if code == "interrupted" else _KINDS.get(status, other)
    error = kind(
        str(problem["detail"]),
        code=code,
        status=status,
        field=problem.get("field"),
        request_id=problem.get("request_id"),
    )
    if isinstance(error, ServerFullError) and problem.get("retry_after") is not None:
        error.retry_after = float(problem["retry_after"])
    return error
