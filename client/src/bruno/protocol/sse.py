"""Server-Sent Events: bytes in any pieces become names and data."""

from __future__ import annotations

from collections.abc import Iterator


class EventDecoder:
    """Puts events together from pieces of any size, each byte copied a fixed number of times.

    Comments, `id` and `retry` are skipped, as is an event that the end of the bytes cuts off.
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []
        self._name = "message"
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[tuple[str, bytes]]:
        """Yields name and data of every event that this piece completes."""
        *ends, rest = piece.split(b"\n")
        for end in ends:
            self._line.append(end)
            line = b"".join(self._line).removesuffix(b"\r")
            self._line.clear()
            if line:
                self._field(line)
            else:
                yield from self._dispatch()
        if rest:
            self._line.append(rest)

    def _field(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        if field == b"event":
            self._name = value.removeprefix(b" ").decode(errors="replace")
        elif field == b"data":
            self._data.append(value.removeprefix(b" "))

    def _dispatch(self) -> Iterator[tuple[str, bytes]]:
        name, data = self._name, self._data
        self._name, self._data = "message", []
        if data:
            yield name, b"\n".join(data)
