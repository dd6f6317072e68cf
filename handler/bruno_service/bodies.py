"""Bodies as a server receives them, piece by piece: how long they may be, and what they say."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import partial
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser, parse_options_header

from bruno_service.fields import (
    FORM,
    JSON,
    form_fields,
    json_fields,
    media_type,
    wrong_type,
)
from bruno_service.limits import BODY_BYTES
from bruno_service.messages import LengthRequired
from bruno_service.origin import origin_of
from bruno_service.parsing import is_describe
from bruno_service.service import Service
from bruno_service.session import Session
from painter.errors import Malformed, TooLarge

# A form has boundaries and names beside its files; more parts than there are fields are not read.
FRAME_BYTES: Final = 2**20
PARTS_MOST: Final = 200
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
        content_type = headers.get("content-type", "")
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
                raise _unreadable(error) from None

    def write(self, piece: bytes) -> None:
        """Takes in the next piece; raises Malformed for a form that cannot be read."""
        if self._parser is None:
            self._json += piece
            return
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise _unreadable(error) from None

    def submit(self, service: Service, id: str) -> Session:
        """Hands all of it to the service, for which a thread does well.

        Raises Malformed where it has ended too early.
        """
        if self._parser is not None:
            if not self._is_whole:
                raise _unreadable("it ends before its last boundary")
            read = partial(form_fields, self._form)
            return service.submit(id, read, self._accept, self._origin)
        said = self._parsed()
        if is_describe(said):
            return service.describe(id)
        return service.submit(id, partial(json_fields, said), self._accept, self._origin)

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


def _unreadable(why: object) -> Malformed:
    return Malformed("malformed", f"the form cannot be read: {why}")


def _length(content_length: str | None) -> int:
    if content_length is None:
        raise LengthRequired(
            "length_required", "the request must tell its length in the header Content-Length"
        )
    length = int(content_length)
    if length > BODY_BYTES + FRAME_BYTES:
        raise TooLarge(
            "body_too_large",
            f"the request must be at most {BODY_BYTES >> 20} MiB, got {length / 2**20:.1f} MiB",
        )
    return length
