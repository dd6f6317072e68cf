"""Who waits, and what it holds of memory meanwhile."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bruno_service import pools
from bruno_service.queue import Queue
from bruno_service.session import Session
from painter.engine.ledger import Bytes, Hold, Ledger
from painter.engine.painter import Painter
from painter.errors import NotAnImage, OutOfMemory
from painter.options.reading import read_options
from painter.options.request import Request
from painter.planning.plan import Plan

Made = tuple[Queue, Ledger]


def file(side: int, seed: int = 0) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).resize((side, side)).save(data, "PNG")
    return data.getvalue()


def request(side: int = 64, **options: Any) -> Request:
    return Request(read_options({"size": 64, **options}), file(side, 1), (file(64, 2),))


@pytest.fixture
def queue(painter: Painter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Made]]:
    """Makes a queue with a budget in bytes and a number of decoders."""
    made = []

    def make(budget: int, decoders: int = 1) -> Made:
        monkeypatch.setattr(painter, "memory_bytes", budget)
        made.append(pools.Pools(lambda: None, 2 * decoders))
        ledger = painter.ledger()
        return Queue(painter, ledger, made[-1]), ledger

    yield make
    for each in made:
        each.close()


def session(name: str) -> Session:
    return Session(name, started=0.0)


def take_in(queue: Queue) -> None:
    """Waits for those being decoded, and takes them in."""
    for entry in queue._entries:
        if entry.decoding is not None:
            entry.decoding.exception(100)
    for each in queue.decoded():
        queue.take_in(each)


def needs(painter: Painter, asked: Request) -> tuple[int, int]:
    told = painter.foresee(asked)
    return painter.planning_bytes(told).host, painter.painting_bytes(told.plan).device


def names(found: list[tuple[Session, Plan, Hold]]) -> list[str]:
    return [each.id for each, _, _ in found]


def test_whoever_comes_first_is_decoded_and_painted_first(queue: Callable[..., Made]) -> None:
    waits, ledger = queue(2**40)
    for name in "abc":
        assert waits.add(session(name), request())
    files = ledger.held
    assert files == Bytes(host=3 * sum(map(len, request().pictures.values())))
    opened = threading.Event()
    waits._pools._decode.submit(opened.wait)
    assert list(waits.advance(places=2)) == []
    assert ledger.held.host > files.host
    opened.set()
    take_in(waits)
    begun = list(waits.advance(places=2))
    assert names(begun) == ["a"]
    assert [each.id for each in waits.sessions] == ["b", "c"]
    take_in(waits)
    begun += waits.advance(places=0)
    assert [waits.is_planned(each) for each in waits.sessions] == [True, False]
    take_in(waits)
    begun += waits.advance(places=2)
    assert names(begun) == ["a", "b", "c"]
    for _, _, hold in begun:
        hold.release()
    assert ledger.held == Bytes()


def test_what_does_not_fit_now_waits_undecoded_until_there_is_room(
    painter: Painter, queue: Callable[..., Made]
) -> None:
    large = request(1200)
    planning, painting = needs(painter, large)
    assert planning > painting
    waits, ledger = queue(planning + painting, decoders=4)
    other = ledger.hold(Bytes(device=painting + 1))
    waits.add(session("large"), large)
    waits.add(session("small"), request())
    assert list(waits.advance(places=4)) == []
    assert waits.is_short_of_memory
    assert not waits.decoded()
    assert ledger.held.host < 2**20
    other.release()
    list(waits.advance(places=4))
    assert not waits.is_short_of_memory
    take_in(waits)
    assert names(list(waits.advance(places=4)))[0] == "large"


def test_a_painting_that_does_not_fit_beside_the_others_waits(
    painter: Painter, queue: Callable[..., Made]
) -> None:
    _, painting = needs(painter, request())
    waits, _ = queue(painting * 3 // 2)
    for name in "ab":
        waits.add(session(name), request())
    begun = []
    for _ in range(3):
        begun += waits.advance(places=4)
        take_in(waits)
    assert names(begun) == ["a"]
    assert waits.is_short_of_memory
    begun[0][2].release()
    assert names(list(waits.advance(places=4))) == ["b"]


def test_files_that_would_keep_others_from_being_painted_are_not_taken_in(
    painter: Painter, queue: Callable[..., Made]
) -> None:
    _, painting = needs(painter, request())
    size = sum(map(len, request().pictures.values()))
    waits, ledger = queue(painting + 2 * size)
    assert [waits.add(session(name), request()) for name in "abcd"] == [True, True, True, False]
    assert ledger.held == Bytes(host=3 * size)
    assert len(waits) == 3


def test_what_would_never_fit_and_what_is_no_picture_is_refused(
    painter: Painter, queue: Callable[..., Made]
) -> None:
    planning, _ = needs(painter, request(1200))
    waits, ledger = queue(planning - 1)
    with pytest.raises(OutOfMemory, match="content: to decode 1200 x 1200 px needs about"):
        waits.add(session("large"), request(1200))
    with pytest.raises(NotAnImage):
        waits.add(session("bad"), Request(read_options({}), b"no picture", (file(64),)))
    broken = session("broken")
    waits.add(broken, Request(read_options({"size": 64}), file(64)[:300], (file(64),)))
    list(waits.advance(places=1))
    with pytest.raises(NotAnImage):
        take_in(waits)
    waits.remove(broken)
    assert (len(waits), ledger.held) == (0, Bytes())


def test_who_leaves_gives_back_what_it_held(
    queue: Callable[..., Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, entered = threading.Event(), threading.Event()

    def wait(*_: object) -> None:
        entered.set()
        opened.wait(100)

    monkeypatch.setattr(pools, "make_plan", wait)
    waits, ledger = queue(2**40)
    gone = [session(name) for name in "abc"]
    for each in gone:
        waits.add(each, request())
    list(waits.advance(places=4))
    assert entered.wait(100)
    for each in gone:
        waits.remove(each)
    # A picture that is being decoded takes its memory until that is done.
    assert ledger.held.host > 0
    (future,) = [waits._pools._decode.submit(lambda: None)]
    opened.set()
    future.result(100)
    assert ledger.held == Bytes()


@pytest.mark.parametrize("seed", range(8))
def test_the_queue_always_moves_on(painter: Painter, queue: Callable[..., Made], seed: int) -> None:
    chance = np.random.default_rng(seed)
    asked = [
        request(int(chance.choice([64, 300, 600])), size=int(chance.choice([64, 128])))
        for _ in range(8)
    ]
    most = max(max(needs(painter, each)) for each in asked)
    waits, ledger = queue(int(most * chance.uniform(1.02, 3)), decoders=2)
    sessions = [session(str(place)) for place in range(len(asked))]
    taken = [each for each, made in zip(sessions, asked, strict=True) if waits.add(each, made)]
    begun: list[tuple[Session, Plan, Hold]] = []
    done = []
    while len(done) < len(taken):
        found = list(waits.advance(places=2 - len(begun)))
        take_in(waits)
        assert ledger.missing(ledger.held) is None
        begun += found
        if begun and (not found or chance.random() < 0.3):
            each, _, hold = begun.pop(0)
            hold.release()
            done.append(each.id)
        else:
            assert begun or waits.decoded() or any(entry.plan for entry in waits._entries)
    assert sorted(done) == sorted(each.id for each in taken)
    assert ledger.held == Bytes()
