"""Everything that can go wrong with a painting, as one small tree.

PaintError
├── Malformed      400  the request cannot be read
├── TooLarge       413  more bytes or pixels than the limits allow
├── NotAnImage     415  the bytes are no picture, or a broken one
├── OutOfRange     422  a value that can be read but not used
├── Internal       500  a defect of ours, or a device that failed
├── Full           503  no place in the queue
├── Interrupted    503  the worker was started anew under the request
└── OutOfMemory    507  this painting does not fit beside the others
"""

from __future__ import annotations

from typing import ClassVar


class PaintError(Exception):
    """A painting that cannot be made; carries what an RFC 9457 problem needs.

    `code` is a stable slug, `field` the part of the request it is about (or None) and
    `detail` one sentence that names the field, the bound and the value received. `retry_after` is
    a hint in seconds, where the same request may be sent again.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    retry_after: int | None = None

    def __init__(self, code: str, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.field = field


class Malformed(PaintError):
    """The request cannot be read."""

    status = 400
    title = "Malformed request"


class TooLarge(PaintError):
    """More bytes or pixels than the limits allow."""

    status = 413
    title = "Too large"


class NotAnImage(PaintError):
    """The bytes are no picture, or a broken one."""

    status = 415
    title = "Not an image"


class OutOfRange(PaintError):
    """A value that can be read but not used."""

    status = 422
    title = "Out of range"


class Internal(PaintError):
    """A defect of ours, or a device that failed."""

    status = 500
    title = "Internal error"


class Full(PaintError):
    """No place in the queue."""

    status = 503
    title = "Full"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__("full", detail)
        self.retry_after = retry_after


class OutOfMemory(PaintError):
    """This painting does not fit beside the others; with a hint it would have, and may again."""

    status = 507
    title = "Out of memory"
