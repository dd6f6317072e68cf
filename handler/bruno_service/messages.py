"""What goes out: problems, events and the headers of answers, as bytes and plain values."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from secrets import compare_digest
from typing import Any, Final

from painter.errors import OutOfMemory, PaintError

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"


class Interrupted(PaintError):
    """The worker was started anew under the request; the same request may be sent again."""

    status = 503
    title = "Interrupted"
    # A worker that is started anew paints again after about so many seconds.
    retry_after = 5

    def __init__(self, detail: str) -> None:
        super().__init__("interrupted", detail)


class ShortOfMemory(PaintError):
    """The host has no memory now for what the ledger had room for; it may be sent again."""

    status = 503
    title = "Short of memory"

    def __init__(self, retry_after: int) -> None:
        super().__init__("short_of_memory", "the machine has no memory to spare at the moment")
        self.retry_after = retry_after


class Unauthorized(PaintError):
    """The token is missing or wrong."""

    status = 401
    title = "Unauthorized"

    def __init__(self) -> None:
        super().__init__("unauthorized", "the token is missing or wrong")


class NotFound(PaintError):
    """There is nothing at this path."""

    status = 404
    title = "Not found"


class NotAllowed(PaintError):
    """The path takes other methods."""

    status = 405
    title = "Method not allowed"


class TooSlow(PaintError):
    """The body did not arrive in time."""

    status = 408
    title = "Too slow"


class LengthRequired(PaintError):
    """The request does not say how long it is."""

    status = 411
    title = "Length required"


def is_bearer(authorization: str, token: str) -> bool:
    """Whether the header Authorization has this token, found out in the same time for any."""
    scheme, _, given = authorization.partition(" ")
    return scheme.lower() == "bearer" and compare_digest(given.encode(), token.encode())


def not_served(status: int, method: str, path: str) -> PaintError:
    """The problem of a path that there is not (404), or not for this method (405)."""
    kind = NotAllowed if status == NotAllowed.status else NotFound
    return kind("not_found", f"there is no {method} {path[:60]}")


def headers(media_type: str) -> dict[str, str]:
    """The headers of every answer of this media type."""
    return {"Content-Type": media_type, "Cache-Control": "no-store"}


def event_headers() -> dict[str, str]:
    """The headers of a stream of events; proxies are asked not to hold them back."""
    return headers("text/event-stream; charset=utf-8") | {"X-Accel-Buffering": "no"}


def refusal(error: PaintError) -> PaintError:
    """What an error is as a whole answer: want of the host's memory passes, so that is a 503."""
    if isinstance(error, OutOfMemory) and error.retry_after is not None:
        return ShortOfMemory(error.retry_after)
    return error


def problem(error: PaintError, request_id: str) -> dict[str, Any]:
    """An RFC 9457 problem."""
    members = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "field": error.field,
        "request_id": request_id,
    }
    more = {} if error.retry_after is None else {"retry_after": error.retry_after}
    return members | more


def problem_answer(error: PaintError, request_id: str) -> tuple[bytes, int, dict[str, str]]:
    """A problem as a whole answer: its body, status and headers."""
    error = refusal(error)
    return as_json(problem(error, request_id)), error.status, problem_headers(error)


def problem_headers(error: PaintError) -> dict[str, str]:
    """The headers of a problem, with a hint when to try again where the error has one."""
    more = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    if isinstance(error, Unauthorized):
        more = {"WWW-Authenticate": "Bearer"}
    return headers(PROBLEM) | more


def as_json(value: Mapping[str, Any]) -> bytes:
    """One line of JSON in UTF-8. Raises ValueError for a number that is not finite."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # What a request said may hold halves of surrogates, which JSON can spell and UTF-8 cannot.
    return text.encode(errors="replace")


def event(name: str, data: Mapping[str, Any]) -> bytes:
    """One Server-Sent Event."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), as_json(data))


def picture_event(name: str, data: Mapping[str, Any], picture: bytes) -> bytes:
    """One Server-Sent Event whose last member, `image`, is a picture in base64.

    The picture is put in beside the JSON encoder, which would copy hundreds of MiB.
    """
    members = as_json(data)[:-1]
    return b'event: %s\ndata: %s,"image":"%s"}\n\n' % (
        name.encode(),
        members,
        base64.b64encode(picture),
    )
