"""Bruno on a real Ray of two nodes: replicas share, come and go, and no painting is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bruno import Painting, Preview

from .conftest import Fleet, until

# Those of Ray are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

PAINTINGS = 4
ENDLESS = {"size": 256, "steps": 5000, "preview_every": 0.25}
QUICKLY = {"min_replicas": 1, "max_replicas": 3, "target_ongoing_requests": 1}
DELAYS = {"upscale_delay_s": 0.5, "downscale_delay_s": 2, "look_back_period_s": 2}


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2 * PAINTINGS) as pool:
        yield pool


def begin(fleet: Fleet, pictures: dict[str, bytes], left: ExitStack) -> None:
    """A painting that goes on, or waits, until it is left."""
    stream = fleet.client().stream(pictures["content"], pictures["style"], **ENDLESS)
    next(left.enter_context(stream))


def test_replicas_come_with_paintings_share_them_and_go(
    fleet: Fleet, pictures: dict[str, bytes]
) -> None:
    import ray

    fleet.deploy(autoscaling_config={**QUICKLY, **DELAYS})
    assert fleet.running() == 1
    with ExitStack() as left:
        for _ in range(PAINTINGS):
            begin(fleet, pictures, left)
        until(lambda: fleet.running() == 3, "there are three replicas")
        assert not ray.available_resources().get("GPU")
        for _ in range(5 * PAINTINGS):
            if min(fleet.ongoing().values()):
                break
            begin(fleet, pictures, left)
        assert min(fleet.ongoing().values()) >= 1
    until(lambda: not any(fleet.ongoing().values()), "whoever left has cancelled")
    until(lambda: fleet.running() == len(fleet.replicas()) == 1, "one replica is left")


@pytest.fixture
def two(fleet: Fleet) -> Fleet:
    """Two replicas, which another test may have left."""
    if fleet.running() != 2:
        fleet.deploy(num_replicas=2)
    return fleet


class Visitor:
    """Somebody who asks for one painting by the SDK, and is told when it has a canvas."""

    def __init__(self, pool: ThreadPoolExecutor, fleet: Fleet, pictures: dict[str, bytes]) -> None:
        self.has_canvas = threading.Event()
        self._stream = fleet.client().stream(
            pictures["content"], pictures["style"], size=64, steps=150, preview_every=0.25
        )
        self._painting: Future[Painting] = pool.submit(self._stream.painting, self._note)
        self._painting.add_done_callback(lambda _: self.has_canvas.set())  # or it will have none

    def _note(self, event: Any) -> None:
        if isinstance(event, Preview):
            self.has_canvas.set()

    def mends(self) -> int:
        """How often the painting, which is done, was mended."""
        record = self._painting.result(600).record
        assert record["incomplete"] is None
        return sum(record.get("client", {}).values())


def visitors(pool: ThreadPoolExecutor, fleet: Fleet, pictures: dict[str, bytes]) -> list[Visitor]:
    some = [Visitor(pool, fleet, pictures) for _ in range(PAINTINGS)]
    assert some[-1].has_canvas.wait(300)
    return some


def test_a_replica_that_is_killed_loses_no_painting(
    two: Fleet, pictures: dict[str, bytes], pool: ThreadPoolExecutor
) -> None:
    import ray

    fleet, some = two, visitors(pool, two, pictures)
    busiest = max(fleet.ongoing().items(), key=lambda one: one[1])[0]
    ray.kill(fleet.replicas()[busiest])
    assert sum(one.mends() for one in some) >= 1
    until(lambda: fleet.running() == 2 and busiest not in fleet.replicas(), "another is there")


def test_a_rolling_update_loses_no_painting(
    two: Fleet, pictures: dict[str, bytes], pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    fleet, before, some = two, two.replicas(), visitors(pool, two, pictures)
    newer = tmp_path / "model"
    newer.symlink_to(fleet.model)
    fleet.model = newer
    fleet.deploy(num_replicas=2)
    assert not before.keys() & fleet.replicas().keys()
    assert [one.mends() for one in some] == [0] * PAINTINGS
