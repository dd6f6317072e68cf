"""The desk with the real engine: who is painted, who waits, who is refused, who is freed."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
import torch
from PIL import Image

from description import Limits
from desk import REPLY_BYTES, Call, Desk
from order import Reply
from painter.faults import DeviceLost
from painter.job import Job
from painter.painting import Painter
from painter.plan import Plan
from painter.scheduler import Scheduler

LIMITS = Limits(running=1, waiting=1, slice_seconds=0.05, reap_seconds=5.0)
LONG = {"steps": "1000"}


class Server:
    """A server that holds requests: it calls the desk with all of them, as TorchServe does."""

    def __init__(self, painter: Painter, limits: Limits, pictures: dict[str, bytes]) -> None:
        self.now = 0.0
        self.desk = Desk(painter, limits, lambda: time.monotonic() + self.now)
        self.held: dict[str, bytes] = {}
        self.first: dict[str, Reply] = {}
        self.ended: dict[str, bytes] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._form = {"size": "64", "steps": "3", "preview_every": "0", **pictures}

    def ask(self, name: str, **fields: Any) -> None:
        """A request comes; it is answered from the next call on."""
        form = {key: value for key, value in (self._form | fields).items() if value is not None}
        encode = {key: str(value).encode() for key, value in form.items() if isinstance(value, str)}
        self._rows[name] = {key: bytearray(value) for key, value in (form | encode).items()}
        self.held[name] = b""

    def leave(self, name: str) -> None:
        """The client goes away."""
        del self.held[name]

    def call(self) -> list[Reply]:
        """One slice."""
        names = list(self.held)
        replies = self.desk.serve([Call(name, self._rows.pop(name, {}), {}) for name in names])
        for name, reply in zip(names, replies, strict=True):
            assert reply.first is (name not in self.first)
            self.first.setdefault(name, reply)
            self.held[name] += reply.body
            if reply.last:
                self.ended[name] = self.held.pop(name)
        return replies

    def finish(self) -> None:
        """Slices until every answer has ended."""
        for _ in range(200):
            if not self.held:
                return
            self.call()
        pytest.fail(f"still not ended: {list(self.held)}")

    def running(self) -> int:
        return self.desk.tally()["bruno_paintings_running"]


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
def serve(painter: Painter, pictures: dict[str, bytes]) -> Callable[..., Server]:
    """Makes a server; its limits are given by name."""
    return lambda **limits: Server(painter, replace(LIMITS, **limits), pictures)


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
    server.call()
    assert told(server.held["b"]) == [("waiting", {"position": 1})]
    assert told(server.held["c"]) == [("waiting", {"position": 2})]
    problem = json.loads(server.ended["d"])
    assert (problem["status"], problem["code"]) == (503, "full")
    assert int(server.first["d"].headers["Retry-After"]) == problem["retry_after"] >= 1
    server.leave("a")
    server.call()
    assert names(told(server.held["b"]))[:2] == ["waiting", "accepted"]
    assert told(server.held["c"])[1:] == [("waiting", {"position": 1})]


def test_whoever_waits_is_checked_at_once(serve: Callable[..., Server]) -> None:
    server = serve()
    server.ask("a", **LONG)
    server.ask("b", style="no picture")
    server.call()
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
    server.call()
    server.leave("a")
    server.leave("b")
    server.call()
    tally = server.desk.tally()
    assert (tally["bruno_paintings_running"], tally["bruno_paintings_waiting"]) == (0, 0)
    assert tally["bruno_paintings_cancelled_total"] == 2


def test_a_call_begins_paintings_for_three_seconds(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(running=4, waiting=4)
    start = Painter.start

    def slow_start(painter: Painter, plan: Plan) -> Job:
        server.now += 2
        return start(painter, plan)

    monkeypatch.setattr(Painter, "start", slow_start)
    for name in "abc":
        server.ask(name, stream="events", **LONG)
    server.call()
    assert server.running() == 2
    assert told(server.held["c"]) == [("waiting", {"position": 1})]
    server.call()
    assert server.running() == 3


def test_what_is_new_does_not_wait_for_a_slice_of_the_others(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    slices = []
    advance = Scheduler.advance

    def watched(scheduler: Scheduler, seconds: float) -> None:
        slices.append(seconds)
        advance(scheduler, 0)

    monkeypatch.setattr(Scheduler, "advance", watched)
    server = serve(running=2, slice_seconds=0.5)
    server.ask("a", **LONG)
    server.call()
    server.call()
    server.ask("b", **LONG)
    server.call()
    assert slices == [0.05, 0.5, 0.05]


def test_the_encoder_has_no_team_of_threads_beside_the_painters(
    serve: Callable[..., Server],
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert serve().desk._encoder.submit(torch.get_num_threads).result() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_freed_memory_goes_back_once_nothing_is_painted_for_a_while(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back = []
    monkeypatch.setattr("desk.give_back_memory", lambda: given_back.append(True))
    server = serve()
    assert not server.desk.rest()
    server.ask("a", **LONG)
    server.call()
    server.now += 61
    server.call()
    assert not server.desk.rest()
    server.leave("a")
    server.call()
    server.now += 59
    assert not server.desk.rest()
    server.now += 2
    assert server.desk.rest()
    assert not server.desk.rest()
    assert given_back == [True]


def test_silence_frees_all_and_a_late_call_hears_of_it(serve: Callable[..., Server]) -> None:
    server = serve()
    server.ask("a", stream="events", **LONG)
    server.call()
    server.now += 4.0
    assert not server.desk.reap()
    assert server.running() == 1
    server.now += 1.1
    assert server.desk.reap()
    assert server.running() == 0
    late = server.desk.serve([Call("a", {}, {}, continued=True)])[0]
    assert (late.first, late.last) == (False, True)
    assert [(name, data["code"]) for name, data in told(late.body)] == [("error", "interrupted")]


def test_a_continued_picture_of_a_lost_worker_just_ends(serve: Callable[..., Server]) -> None:
    late = serve().desk.serve([Call("unknown", {}, {}, continued=True)])[0]
    assert (late.body, late.first, late.last) == (b"", False, True)


def test_a_failing_job_fails_alone(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = serve()
    alone.ask("a", seed="1", steps="8", init_noise="0.5")
    alone.finish()
    tell = Job.tell

    def break_one(job: Job, *given: Any) -> None:
        if job.options.seed == 2 and job.progress and job.progress.step == 4:
            raise RuntimeError("broken")
        tell(job, *given)

    monkeypatch.setattr(Job, "tell", break_one)
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
    monkeypatch.setattr(Job, "preview", lambda _job: 1 / 0)
    server = serve(running=2)
    server.ask("a", stream="events", preview_every="0.25", **LONG)
    server.ask("b")
    server.call()
    assert server.first["a"].status == 500
    assert json.loads(server.ended["a"])["code"] == "internal"
    server.finish()
    assert server.ended["b"].startswith(b"\x89PNG")


def test_a_lost_device_is_told_to_everyone_but_inside_a_picture(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(running=2, waiting=1)
    server.ask("events", stream="events", **LONG)
    server.ask("picture", **LONG)
    server.ask("line", stream="events", **LONG)
    server.call()

    def lose(_scheduler: Scheduler, _seconds: float) -> None:
        raise DeviceLost("an illegal memory access")

    monkeypatch.setattr(Scheduler, "advance", lose)
    server.ask("new")
    server.call()
    assert server.desk.device_lost
    assert told(server.ended["events"])[-1][1]["code"] == "interrupted"
    assert told(server.ended["line"])[-1][1]["code"] == "interrupted"
    assert server.first["new"].status == 503
    assert list(server.held) == ["picture"]
    server.ask("later")
    server.call()
    assert json.loads(server.ended["later"])["code"] == "interrupted"


def test_large_answers_arrive_whole_one_piece_a_call(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = Job.result
    large = {seed: bytes([seed]) * (2 * REPLY_BYTES + seed) for seed in (1, 2)}
    monkeypatch.setattr(
        Job, "result", lambda job: replace(result(job), data=large[job.options.seed])
    )
    server = serve(running=2)
    server.ask("a", seed="1")
    server.ask("b", seed="2")
    sizes = []
    while server.held:
        sizes.append([len(reply.body) for reply in server.call()])
    assert max(map(sum, sizes)) == 4 * 2**20
    assert server.ended == {"a": large[1], "b": large[2]}


def test_describe_tells_how_busy_the_service_is(serve: Callable[..., Server]) -> None:
    server = serve()

    def health() -> tuple[str, int, int]:
        calls = [Call(name, server._rows.pop(name, {}), {}) for name in server.held]
        reply = server.desk.serve([*calls, Call("d", {"body": {"describe": True}}, {})])[-1]
        assert (reply.first, reply.last, reply.status) == (True, True, 200)
        told = json.loads(reply.body)
        return told["health"], told["running"], told["waiting"]

    assert health() == ("ready", 0, 0)
    server.ask("a", **LONG)
    assert health() == ("busy", 1, 0)
    server.ask("b", **LONG)
    assert health() == ("full", 1, 1)


def test_a_sign_of_life_comes_while_a_picture_is_encoded(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = Job.result

    def slow(job: Job) -> Any:
        time.sleep(1.0)
        return result(job)

    monkeypatch.setattr(Job, "result", slow)
    server = serve()
    server.ask("a", stream="events", steps="1")
    server.call()
    server.now += 5.0
    server.call()
    assert "a" in server.held
    assert names(told(server.held["a"])) == ["accepted", "progress", "progress"]
    server.finish()


def test_the_tally_counts_how_orders_ended(serve: Callable[..., Server]) -> None:
    server = serve(running=2)
    server.ask("a", steps="5")
    server.ask("b", alpha="-1")
    server.finish()
    tally = server.desk.tally()
    assert tally["bruno_paintings_finished_total"] == 1
    assert tally["bruno_paintings_refused_total"] == 1
    assert tally["bruno_paintings_failed_total"] == 0
    assert tally["bruno_evaluations_total"] == 5
