"""Streams beside a stream, as far as they can be seen without a device: who waits for whom."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch

from painter.device.streams import Streams

DEVICE = torch.device("cuda", 0)


@pytest.fixture
def told(monkeypatch):
    """What was asked of PyTorch, in order."""
    calls = []

    class Stream:
        current = "main"

        def __init__(self, device):
            self.name = f"beside {sum(call == 'made' for call in calls) + 1}"
            calls.append("made")

        def wait_stream(self, other):
            calls.append(f"{self.name} waits for {getattr(other, 'name', other)}")

    main = Stream(DEVICE)
    main.name = "main"
    calls.clear()
    Stream.current = main

    @contextmanager
    def stream(which):
        before, Stream.current = Stream.current, which
        yield
        Stream.current = before

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream.current)

    def tell(what):
        calls.append(f"{what} on {Stream.current.name}")

    return calls, tell


def test_a_fork_waits_for_what_was_before_and_is_waited_for_where_it_joins(told):
    calls, tell = told
    streams = Streams(DEVICE, 1)
    with streams.forked():
        tell("small")
    tell("large")
    streams.join()
    assert calls == [
        "made",
        *("beside 1 waits for main", "small on beside 1", "large on main"),
        "main waits for beside 1",
    ]


def test_forks_nest_and_come_one_after_the_other_where_no_stream_is_left(told):
    calls, tell = told
    streams = Streams(DEVICE, 2)
    with streams.forked():
        with streams.forked():
            with streams.forked():
                tell("smallest")
            tell("smaller")
            streams.join()
        tell("small")
        streams.join()
    tell("large")
    streams.join()
    assert calls == [
        *("made", "made", "beside 1 waits for main", "beside 2 waits for beside 1"),
        *("smallest on beside 2", "smaller on beside 2", "small on beside 1"),
        *("beside 1 waits for beside 2", "large on main", "main waits for beside 1"),
    ]


def test_after_a_failure_the_next_fork_is_the_first_again(told):
    calls, tell = told
    streams = Streams(DEVICE, 2)
    with pytest.raises(RuntimeError), streams.forked():
        raise RuntimeError
    with streams.forked():
        tell("small")
    assert calls[-1] == "small on beside 1"


def test_without_streams_all_of_it_is_as_if_nobody_had_asked():
    streams = Streams(torch.device("cpu"), 0)
    with streams.forked():
        pass
    streams.join()
