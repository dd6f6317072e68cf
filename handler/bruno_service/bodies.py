"""Bodies as a server receives them, piece by piece: how long they may be, and what they say."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser, parse_options_header

from bruno_service.fields import (
    FORM,
    JSON,
    check_size,
    form_fields,
    json_fields,
    media_type,
    taken_apart,
    wrong_type,
)
from bruno_service.limits import BODY_BYTES
from bruno_service.messages import LengthRequired
from bruno_service.origin import origin_of
from bruno_service.parsing import accepts_events, is_describe
from bruno_service.service import Service
from bruno_service.session import Session
from painter.errors import Malformed, PaintError

# A form has boundaries and names beside its files; more parts than there are fields are not read.
FRAME_BYTES: Final = 2**20
PARTS_MOST: Final = 200
# What a body is, where Content-Type says that it is bytes: such a body every front end hands on
# whole, while one of them has a decoder of its own, which keeps forms that it cannot read.
KIND_HEADER: Final = "x-bruno-content-type"
BYTES: Final = "application/octet-stream"
# All bodies that a server receives at once.
RECEIVED_BYTES: Final = 8 * BODY_BYTES
# A body has so many seconds, and one more for each of its pieces of this size.
BODY_SECONDS: Final = 30.0
SLOWEST_BYTES: Final = 2**16


class BodyReader:
    """Takes in a form or JSON piece by piece; it has `length` bytes, and `seconds` to arrive."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Reads headers that are named in lower case.

        Raises LengthRequired or TooLarge for its length, Malformed for what is neither a form nor
        JSON.
        """
        content_type = kind_of(headers)
        self.length = _length(headers.get("content-length"))
        self.seconds = BODY_SECONDS + self.length / SLOWEST_BYTES
        self._accept = headers.get("accept", "")
        self._origin = origin_of(headers)
        if media_type(content_type) not in (FORM, JSON):
            raise wrong_type(content_type)
        self._form: dict[str, bytes] = {}
        self._json = bytearray()
        self._parts = 0
        self._is_whole = False
        self._parser: FormParser | None = None
        if media_type(content_type) == FORM:
            _, options = parse_options_header(content_type)
            # What a body may hold in all is limited; nothing of it goes to the disk.
            config = {"MAX_MEMORY_FILE_SIZE": math.inf}
            boundary = options.get(b"boundary") or None
            try:
                self._parser = FormParser(
                    FORM, self._keep, self._keep, self._end, boundary, config=config
                )
            except FormParserError as error:
                raise unreadable(error) from None

    def write(self, piece: bytes) -> None:
        """Takes in the next piece; raises Malformed for a form that cannot be read."""
        if self._parser is None:
            self._json += piece
            return
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise unreadable(error) from None

    def submit(self, service: Service, id: str) -> Session:
        """Hands all of it to the service, for which a thread does well."""
        if self._parser is not None:
            return service.submit(id, self._fields, self._accept, self._origin)
        said = self._parsed()
        if is_describe(said):
            return service.describe(id)
        return service.submit(id, partial(json_fields, said), self._accept, self._origin)

    def _fields(self) -> dict[str, Any]:
        if not self._is_whole:
            raise unreadable("it ends before its last boundary")
        return form_fields(self._form)

    def _parsed(self) -> object:
        """What the JSON says, or its bytes where it is none."""
        text = bytes(self._json)
        try:
            return json.loads(text.decode())
        except (ValueError, RecursionError):
            return text

    def _keep(self, part: Field | File) -> None:
        self._parts += 1
        if self._parts > PARTS_MOST:
            raise FormParserError(f"it has more than {PARTS_MOST} parts")
        name = (part.field_name or b"").decode(errors="replace")
        if isinstance(part, File):
            part.file_object.seek(0)
            self._form[name] = part.file_object.read()
        else:
            self._form[name] = part.value or b""

    def _end(self) -> None:
        self._is_whole = True


def submit_row(
    service: Service, id: str, headers: Mapping[str, str], row: Mapping[str, Any]
) -> Session:
    """The session of a request that a front end took in: a form's fields by name, or its `body`.

    What is wrong with it is its answer.
    """
    body = row.get("body")
    is_whole = KIND_HEADER in headers or not is_form(headers)
    if is_whole and isinstance(body, bytes | bytearray):
        return _submit_whole(service, id, headers, bytes(body))
    if is_describe(body):
        return service.describe(id)
    read = partial(taken_apart, row, headers.get("content-type", ""))
    return service.submit(id, read, headers.get("accept", ""), origin_of(headers))


def _submit_whole(service: Service, id: str, headers: Mapping[str, str], body: bytes) -> Session:
    try:
        if is_form(headers):
            service.check_place()
        reader = BodyReader({**headers, "content-length": str(len(body))})
        reader.write(body)
    except PaintError as error:
        return refuse(service, id, error)
    return reader.submit(service, id)


def refuse(service: Service, id: str, error: Exception) -> Session:
    """The session of a request whose answer is this error."""

    def read() -> Mapping[str, Any]:
        raise error

    return service.submit(id, read, "")


def kind_of(headers: Mapping[str, str]) -> str:
    """The Content-Type of a body, whoever had to hide it; headers are named in lower case."""
    content_type = headers.get("content-type", "")
    hidden = headers.get(KIND_HEADER, "")
    return hidden if hidden and media_type(content_type) == BYTES else content_type


def is_form(headers: Mapping[str, str]) -> bool:
    """Whether a body is a form, as only paintings are asked for with."""
    return media_type(kind_of(headers)) == FORM


def begun_elsewhere(service: Service, id: str, accept: str, why: str) -> Session:
    """The session of an answer that another process has begun: whoever can be told hears why."""
    session = Session(id, time.monotonic(), accepts_events(accept), begun=True)
    service.interrupt([session], why)
    return session


def unreadable(why: object) -> Malformed:
    """The problem of a form that is none."""
    return Malformed("malformed", f"the form cannot be read: {why}")


def _length(content_length: str | None) -> int:
    if content_length is None:
        raise LengthRequired(
            "length_required", "the request must tell its length in the header Content-Length"
        )
    length = int(content_length)
    check_size(length, FRAME_BYTES)
    return length
