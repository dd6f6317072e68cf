"""The service with the real engine: who is painted, who waits, who is refused, who is freed."""

from __future__ import annotations

import io
import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from bruno_service import pools
from bruno_service.fields import form_fields
from bruno_service.limits import Limits
from bruno_service.service import Service
from bruno_service.session import HEARTBEAT_SECONDS, PATIENCE_SECONDS, Piece, Session
from painter.device.faults import DeviceLost
from painter.engine.ledger import Bytes
from painter.engine.painter import Painter
from painter.engine.scheduler import Scheduler
from painter.painting.job import Job
from painter.painting.snapshots import Snapshot

LIMITS = Limits(running=1, waiting=1)
SLICE_SECONDS = 0.05
MOST = 4 * 2**20
LONG = {"steps": "1000"}


class Server:
    """A server: it holds requests, and again and again sends what there is of their answers."""

    def __init__(self, painter: Painter, limits: Limits, pictures: dict[str, bytes]) -> None:
        self.now = 0.0
        self.service = Service(lambda: painter, limits, lambda: time.monotonic() + self.now)
        self.service.engine.ask(math.inf)
        self.slice_seconds = SLICE_SECONDS
        self.sessions: dict[str, Session] = {}
        self.held: dict[str, bytes] = {}
        self.first: dict[str, Piece] = {}
        self.ended: dict[str, bytes] = {}
        self._form = {"size": "64", "steps": "3", "preview_every": "0", **pictures}

    def ask(self, name: str, **fields: Any) -> None:
        """A request comes; what there is to tell of it is sent from the next call on."""
        form = {key: value for key, value in (self._form | fields).items() if value is not None}
        encode = {key: str(value).encode() for key, value in form.items() if isinstance(value, str)}
        read = partial(form_fields, form | encode)
        self.sessions[name] = self.service.submit(name, read, accept="")
        self.held[name] = b""

    def leave(self, name: str) -> None:
        """The client goes away."""
        del self.held[name]
        self.service.cancel(self.sessions.pop(name))

    def call(self) -> list[Piece | None]:
        """Waits for news, a slice at most; nothing is sent of who is not decided yet."""
        sessions = {name: self.sessions[name] for name in self.held}
        self.service.move_until(
            lambda: any(each.has_news for each in sessions.values()), self.slice_seconds
        )
        replies = [
            self.service.take(each, MOST) if each.decided else None for each in sessions.values()
        ]
        for name, reply in zip(sessions, replies, strict=True):
            if reply is None:
                assert name not in self.first
                continue
            assert reply.first is (name not in self.first)
            self.first.setdefault(name, reply)
            self.held[name] += reply.body
            if reply.last:
                self.ended[name] = self.held.pop(name)
                del self.sessions[name]
        return replies

    def until(self, holds: Callable[[], bool]) -> None:
        """Slices until something holds, however slow the machine is."""
        end = time.monotonic() + 100
        while not holds():
            assert time.monotonic() < end
            self.call()

    def begin(self) -> None:
        """Slices until every request has its first reply."""
        self.until(lambda: all(name in self.first for name in self.held))

    def finish(self) -> None:
        """Slices until every answer has ended."""
        self.until(lambda: not self.held)

    def running(self) -> int:
        return self.service.tally()["bruno_paintings_running"]


def told(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """The events of a body."""
    blocks = [block.split("\n") for block in body.decode().split("\n\n")[:-1]]
    return [(name[7:], json.loads(data[6:])) for name, data in blocks]


def names(events: Iterable[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, _ in events]


def pixels_of(data: bytes) -> bytes:
    return Image.open(io.BytesIO(data)).tobytes()


def record_of(data: bytes) -> dict[str, Any]:
    image = Image.open(io.BytesIO(data))
    image.load()
    return dict(json.loads(image.info["bruno"]))


@pytest.fixture
def serve(painter: Painter, pictures: dict[str, bytes]) -> Iterator[Callable[..., Server]]:
    """Makes a server; its limits are given by name."""
    made = []

    def make(**limits: Any) -> Server:
        made.append(Server(painter, replace(LIMITS, **limits), pictures))
        return made[-1]

    yield make
    for server in made:
        server.service.close()


def test_a_painting_and_its_events(serve: Callable[..., Server]) -> None:
    server = serve()
    server.ask("a", stream="events", preview_every="0.25", steps="4")
    server.finish()
    events = told(server.ended["a"])
    assert set(names(events[1:-1])) == {"progress", "preview"}
    assert (names(events)[0], names(events)[-1]) == ("accepted", "painting")
    steps = [data["step"] for name, data in events if name == "progress"]
    assert steps == sorted(steps)
    assert steps[-1] == 4
    assert events[-1][1]["record"]["steps"] == 4


def test_the_line_its_places_and_who_is_refused(serve: Callable[..., Server]) -> None:
    server = serve(waiting=2)
    server.ask("a", **LONG)
    for name in "bcd":
        server.ask(name, stream="events")
    server.begin()
    assert told(server.held["b"]) == [("waiting", {"position": 1})]
    assert told(server.held["c"]) == [("waiting", {"position": 2})]
    problem = json.loads(server.ended["d"])
    assert (problem["status"], problem["code"]) == (503, "full")
    assert int(server.first["d"].headers["Retry-After"]) == problem["retry_after"] >= 1
    server.leave("a")
    server.until(lambda: "accepted" in names(told(server.held["b"])))
    assert names(told(server.held["b"]))[:2] == ["waiting", "accepted"]
    server.until(lambda: told(server.held["c"])[1:] == [("waiting", {"position": 1})])


def test_whoever_waits_is_checked_at_once(serve: Callable[..., Server]) -> None:
    server = serve()
    server.ask("a", **LONG)
    server.ask("b", style="no picture")
    server.begin()
    assert server.first["b"].status == 415
    assert json.loads(server.ended["b"])["field"] == "style"


def test_a_waiting_picture_stream_is_painted_when_its_turn_comes(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    server.ask("a")
    server.ask("b", format="jpeg")
    server.finish()
    assert server.first["b"].headers["Content-Type"] == "image/jpeg"
    assert server.ended["b"].startswith(b"\xff\xd8\xff")


def test_whoever_leaves_is_freed_by_the_next_call(serve: Callable[..., Server]) -> None:
    server = serve()
    server.ask("a", **LONG)
    server.ask("b", **LONG)
    server.begin()
    server.leave("a")
    server.leave("b")
    server.call()
    tally = server.service.tally()
    assert (tally["bruno_paintings_running"], tally["bruno_paintings_waiting"]) == (0, 0)
    assert tally["bruno_paintings_cancelled_total"] == 2
    server.until(lambda: server.service._stages._ledger.held == Bytes())


class Gate:
    """Takes the place of a function, which does its work once it is let."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self, *given: Any) -> Any:
        self.entered.set()
        assert self.opened.wait(100)
        return self.function(*given)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any, str], Gate]]:
    """Puts a gate before a function: `gate(module, name)`."""
    gates = []

    def put(where: Any, name: str) -> Gate:
        made = Gate(getattr(where, name))
        # As a method it has to be bound to what it is called on.
        monkeypatch.setattr(where, name, lambda *given: made(*given))
        gates.append(made)
        return made

    yield put
    for made in gates:
        made.opened.set()


def test_nobody_is_answered_before_its_pictures_are_decoded(
    serve: Callable[..., Server], gate: Callable[[Any, str], Gate], picture: Callable[..., bytes]
) -> None:
    server = serve(running=3)
    server.ask("neighbor", stream="events", **LONG)
    server.begin()
    decoding = gate(pools, "make_plan")
    server.ask("bad", content=picture()[:200])
    server.ask("events", stream="events", content=picture()[:200])
    told_before = server.held["neighbor"]
    assert server.call()[1:] == [None, None]
    server.until(lambda: server.held["neighbor"] != told_before)
    assert server.call()[1:] == [None, None]
    decoding.opened.set()
    server.until(lambda: list(server.held) == ["neighbor"])
    for name in ("bad", "events"):
        assert server.first[name].status == 415
        assert json.loads(server.ended[name])["code"] == "broken_image"


def test_a_stream_whose_pictures_take_long_hears_that_it_waits(
    serve: Callable[..., Server], gate: Callable[[Any, str], Gate], picture: Callable[..., bytes]
) -> None:
    server = serve(running=2)
    decoding = gate(pools, "make_plan")
    server.ask("picture", **LONG)
    server.ask("good", stream="events", steps="1")
    server.ask("bad", stream="events", content=picture()[:200])
    assert server.call() == [None] * 3
    server.now += HEARTBEAT_SECONDS
    server.call()
    assert list(server.first) == ["good", "bad"]
    assert told(server.held["good"]) == [("waiting", {"position": 2})]
    server.now += PATIENCE_SECONDS
    server.call()
    assert (server.first["picture"].status, server.held["picture"]) == (200, b"")
    decoding.opened.set()
    server.until(lambda: set(server.held) == {"picture"})
    assert names(told(server.ended["good"]))[-3:] == ["accepted", "progress", "painting"]
    assert told(server.ended["bad"])[-1][1]["status"] == 415


def test_what_is_news_does_not_wait_for_the_end_of_a_slice(serve: Callable[..., Server]) -> None:
    server = serve(running=2)
    server.slice_seconds = 1000.0
    server.ask("a", steps="30")
    server.begin()
    server.ask("b", stream="events", steps="30")
    server.begin()
    server.finish()
    assert server.ended["a"].startswith(b"\x89PNG")
    assert names(told(server.ended["b"]))[-1] == "painting"


def test_only_the_engine_has_a_team_of_threads(painter: Painter) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    teams = []

    def make() -> Painter:
        teams.append(torch.get_num_threads())
        return painter

    try:
        service = Service(make, LIMITS)
        made = service._pools
        for pool in (made._decode, made._encode_small, made._encode_large):
            teams.append(pool.submit(torch.get_num_threads).result())
        service.close()
        assert teams == [3, 1, 1, 1]
    finally:
        torch.set_num_threads(before)


def test_freed_memory_goes_back_once_nothing_is_painted_for_a_while(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back = []
    monkeypatch.setattr("bruno_service.service.give_back_memory", lambda: given_back.append(True))
    server = serve()
    assert not server.service.rest()
    server.ask("a", **LONG)
    server.call()
    server.now += 61
    server.call()
    assert not server.service.rest()
    server.leave("a")
    server.call()
    server.now += 59
    assert not server.service.rest()
    server.now += 2
    assert server.service.rest()
    assert not server.service.rest()
    assert given_back == [True]


def test_freed_memory_goes_back_now_and_then_where_it_is_always_painted(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back = []
    monkeypatch.setattr("bruno_service.service.give_back_memory", lambda: given_back.append(True))
    server = serve()
    server.ask("a", **LONG)
    for _ in range(21):
        server.call()
        server.now += 30
        server.service.rest()
    assert given_back == [True, True]


def test_a_failing_job_fails_alone(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = serve()
    alone.ask("a", seed="1", steps="8", init_noise="0.5")
    alone.finish()
    take = Job.take

    def break_one(job: Job, *given: Any) -> None:
        if job.options.seed == 2 and job.progress and job.progress.step == 4:
            raise RuntimeError("broken")
        take(job, *given)

    monkeypatch.setattr(Job, "take", break_one)
    server = serve(running=3)
    server.ask("a", seed="1", steps="8", init_noise="0.5")
    server.ask("b", seed="2", steps="8", stream="events")
    server.ask("c", seed="2", steps="8")
    server.finish()
    assert pixels_of(server.ended["a"]) == pixels_of(alone.ended["a"])
    assert told(server.ended["b"])[-1][1]["code"] == "internal"
    record = record_of(server.ended["c"])
    assert (record["stopped"], record["steps"]) == ("failure", 4)
    assert record["incomplete"]


def test_a_defect_in_a_preview_is_told_to_its_client_alone(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Job, "preview_snapshot", lambda _job: 1 / 0)
    server = serve(running=2)
    server.ask("a", stream="events", **LONG | {"preview_every": "0.25"})
    server.ask("b")
    server.finish()
    # As a status, or as an event where the painting was accepted before its first preview was due.
    answer, is_status = server.ended["a"], server.first["a"].status == 500
    problem = json.loads(answer) if is_status else told(answer)[-1][1]
    assert problem["code"] == "internal"
    assert server.ended["b"].startswith(b"\x89PNG")


def test_a_lost_device_is_told_to_everyone_but_inside_a_picture(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(running=2, waiting=1)
    server.ask("events", stream="events", **LONG)
    server.ask("picture", **LONG)
    server.ask("line", stream="events", **LONG)
    server.begin()

    def lose(_scheduler: Scheduler, _seconds: float) -> None:
        raise DeviceLost("an illegal memory access")

    monkeypatch.setattr(Scheduler, "advance", lose)
    server.until(lambda: server.service.engine.lost)
    server.ask("new")
    server.call()
    assert told(server.ended["events"])[-1][1]["code"] == "interrupted"
    assert told(server.ended["line"])[-1][1]["code"] == "interrupted"
    assert server.first["new"].status == 503
    assert list(server.held) == ["picture"]
    server.ask("later")
    server.call()
    assert json.loads(server.ended["later"])["code"] == "interrupted"


def test_what_is_being_encoded_outlives_the_device(
    serve: Callable[..., Server], gate: Callable[[Any, str], Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoding = gate(Snapshot, "encode")
    server = serve(running=2)
    server.ask("done", stream="events", steps="1")
    server.until(encoding.entered.is_set)
    server.ask("other", stream="events", **LONG)
    server.begin()

    def lose(_scheduler: Scheduler, _seconds: float) -> None:
        raise DeviceLost("an illegal memory access")

    monkeypatch.setattr(Scheduler, "advance", lose)
    server.until(lambda: "other" in server.ended)
    encoding.opened.set()
    server.finish()
    assert names(told(server.ended["done"]))[-1] == "painting"
    assert names(told(server.ended["other"]))[-1] == "error"


def test_what_would_not_fit_alone_is_refused_with_field_and_both_numbers(
    serve: Callable[..., Server],
    painter: Painter,
    picture: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(painter, "memory_bytes", 40 * 2**20)
    server = serve(running=4)
    server.ask("large file", content=picture(2000, 1500), stream="events")
    server.ask("large painting", size="512")
    server.ask("good")
    server.finish()
    problems = [json.loads(server.ended[name]) for name in ("large file", "large painting")]
    assert [(each["status"], each["field"]) for each in problems] == [
        (507, "content"),
        (507, "size"),
    ]
    assert problems[0]["detail"] == (
        "content: to decode 2000 x 1500 px needs about 75 MiB, and there are 40 MiB"
    )
    assert server.ended["good"].startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("error", "told_first", "told_later"),
    [
        (MemoryError(), (503, "short_of_memory", 10), (507, "out_of_memory", 10)),
        (
            torch.OutOfMemoryError("CUDA out of memory"),
            (507, "out_of_memory", None),
            (507, "out_of_memory", None),
        ),
    ],
)
def test_want_of_memory_passes_on_the_host_and_fails_what_was_begun(
    serve: Callable[..., Server],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    told_first: tuple[Any, ...],
    told_later: tuple[Any, ...],
) -> None:
    def fail(*_: object) -> None:
        raise error

    def said(problem: dict[str, Any]) -> tuple[Any, ...]:
        return problem["status"], problem["code"], problem.get("retry_after")

    server = serve(running=4)
    server.ask("begun", stream="events", **LONG)
    server.begin()
    with monkeypatch.context() as patch:
        patch.setattr("painter.engine.scheduler._evaluated", fail)
        server.until(lambda: "begun" in server.ended)
    assert said(told(server.ended["begun"])[-1][1]) == told_later
    with monkeypatch.context() as patch:
        patch.setattr(Painter, "start", fail)
        server.ask("not begun")
        server.finish()
    monkeypatch.setattr(pools, "make_plan", fail)
    server.ask("not decoded", stream="events")
    server.finish()
    for name in ("not begun", "not decoded"):
        first = server.first[name]
        assert said(json.loads(server.ended[name])) == told_first
        hint = first.headers.get("Retry-After")
        assert (first.status, hint) == (told_first[0], told_first[2] and str(told_first[2]))


def test_paintings_that_do_not_fit_together_are_painted_one_after_the_other(
    serve: Callable[..., Server], painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More than one of these paintings takes, and less than two.
    bytes_each = 6 * 2**20 * painter.vgg.trunk.itemsize
    monkeypatch.setattr(painter, "memory_bytes", 5 * bytes_each // 3)
    server = serve(running=4, waiting=2)
    server.ask("a", **LONG)
    server.begin()
    for name in "bcd":
        server.ask(name, stream="events", steps="1")
        server.begin()
    assert server.running() == 1
    assert told(server.held["c"]) == [("waiting", {"position": 2})]
    # Places are no use where there is no memory: only those in the queue wait.
    assert server.first["d"].status == 503
    server.leave("a")
    server.finish()
    assert names(told(server.ended["c"]))[-1] == "painting"
    server.until(lambda: server.service._stages._ledger.held == Bytes())


def test_describe_tells_how_busy_the_service_is(serve: Callable[..., Server]) -> None:
    server = serve()

    def health() -> tuple[str, int, int]:
        reply = server.service.take(server.service.describe("d"), MOST)
        assert (reply.first, reply.last, reply.status) == (True, True, 200)
        told = json.loads(reply.body)
        return told["health"], told["running"], told["waiting"]

    assert health() == ("ready", 0, 0)
    server.ask("a", **LONG)
    server.begin()
    assert health() == ("busy", 1, 0)
    server.ask("b", **LONG)
    server.begin()
    assert health() == ("full", 1, 1)
    server.service.drain()
    assert health() == ("draining", 1, 0)


def test_a_sign_of_life_comes_while_a_picture_is_encoded(
    serve: Callable[..., Server], gate: Callable[[Any, str], Gate]
) -> None:
    encoding = gate(Snapshot, "encode")
    server = serve()
    server.ask("a", stream="events", steps="1")
    server.until(encoding.entered.is_set)
    server.now += HEARTBEAT_SECONDS
    server.call()
    assert names(told(server.held["a"])) == ["accepted", "progress", "progress"]
    encoding.opened.set()
    server.finish()


def test_a_large_picture_holds_up_no_small_one(
    serve: Callable[..., Server],
    gate: Callable[[Any, str], Gate],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pools, "SMALL_PIXELS", 64 * 64)
    encode = Snapshot.encode
    encoding = Gate(encode)
    monkeypatch.setattr(
        Snapshot, "encode", lambda one: (encoding if max(one.canvas.shape) > 64 else encode)(one)
    )
    server = serve(running=2)
    server.ask("large", size="80", steps="1")
    server.until(encoding.entered.is_set)
    server.ask("small")
    server.until(lambda: "small" in server.ended)
    assert "large" in server.held
    encoding.opened.set()
    server.finish()


def test_what_nobody_waits_for_any_more_is_not_encoded(
    serve: Callable[..., Server], gate: Callable[[Any, str], Gate]
) -> None:
    encoding = gate(Snapshot, "encode")
    server = serve(running=2)
    server.ask("first", steps="1")
    server.until(encoding.entered.is_set)
    encoding.entered.clear()
    server.ask("leaves", steps="1")
    server.begin()
    server.until(lambda: server.running() == 0)
    server.leave("leaves")
    server.call()
    encoding.opened.set()
    server.finish()
    assert server.service._pools._encode_small.submit(lambda: True).result()
    assert not encoding.entered.is_set()
    server.until(lambda: server.service._stages._ledger.held == Bytes())


def test_the_tally_counts_how_sessions_ended(serve: Callable[..., Server]) -> None:
    server = serve(running=2)
    server.ask("a", steps="5")
    server.ask("b", alpha="-1")
    server.finish()
    tally = server.service.tally()
    assert tally["bruno_paintings_finished_total"] == 1
    assert tally['bruno_paintings_refused_total{code="option_out_of_range"}'] == 1
    assert {tally[name] for name in tally if "paintings_failed" in name} == {0}
    assert tally["bruno_evaluations_total"] == tally['bruno_steps_total{size="64"}'] == 5


def test_a_burst_of_large_pictures_keeps_to_the_budget_and_to_the_heartbeat(weights: Path) -> None:
    """40 JPEGs of 40 megapixels, and a neighbor who is painted meanwhile."""
    budget = 1600 * 2**20
    script = Path(__file__).with_name("burst.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, script, weights, str(budget)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=300,
    )
    found = json.loads(done.stdout)
    assert found["taken"] <= budget
    assert found["silence"] < 10
    assert found["refused"] == 0
