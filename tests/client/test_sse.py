"""Server-Sent Events in pieces of every size."""

from __future__ import annotations

import time

import pytest

from bruno.protocol.sse import EventDecoder

TEXT = 'event: waiting\ndata: {"position": 1}\n\n: still here\n\ndata: α\ndata: β\n\n'.encode()
EVENTS = [("waiting", b'{"position": 1}'), ("message", "α\nβ".encode())]


@pytest.mark.parametrize("cut", range(len(TEXT) + 1))
def test_an_event_may_be_split_at_every_byte(cut: int) -> None:
    decoder = EventDecoder()
    assert [*decoder.feed(TEXT[:cut]), *decoder.feed(TEXT[cut:])] == EVENTS


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pieces_of_any_size(size: int) -> None:
    decoder = EventDecoder()
    pieces = [TEXT[start : start + size] for start in range(0, len(TEXT), size)]
    assert [event for piece in pieces for event in decoder.feed(piece)] == EVENTS


def test_carriage_returns_before_line_feeds() -> None:
    assert list(EventDecoder().feed(TEXT.replace(b"\n", b"\r\n"))) == EVENTS


def test_an_event_that_is_cut_off_is_not_told() -> None:
    assert list(EventDecoder().feed(TEXT[:-1])) == EVENTS[:1]


def test_a_large_event_takes_linear_time() -> None:
    decoder, piece, pieces = EventDecoder(), b"x" * 1024, 32 * 1024
    begun = time.perf_counter()
    list(decoder.feed(b"data: "))
    for _ in range(pieces):
        list(decoder.feed(piece))
    ((_, data),) = decoder.feed(b"\n\n")
    assert len(data) == pieces * len(piece)
    # Copying what has come with every piece would move 500 GiB, and take a minute at best.
    assert time.perf_counter() - begun < 10
