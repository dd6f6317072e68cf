"""The faults, each done to a server while it paints."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from reliability.jobs import picture
from reliability.proxy import Proxy
from reliability.served import Served
from reliability.surroundings import a_false_clock, a_small_disk, fill_disk, set_clock, take_memory

SLOW_SECONDS = 5.0
# Of one server: so often in ten minutes `make serve` starts it again.
LIVES = 3
# A painting on the command line, which is ended before it ends.
CLIENT = (
    "import sys, bruno; client = bruno.Bruno(sys.argv[1], key_file=sys.argv[2]);"
    "picture = sys.stdin.buffer.read();"
    "[print(event, flush=True) for event in client.stream(picture, picture, size=64, steps=5000)]"
)


def kill_worker(served: Served, _: Proxy) -> None:
    """The process that paints is killed, as a system out of memory does it."""
    served.worker.kill()


def stop_worker(served: Served, _: Proxy) -> None:
    """The process that paints stands still, and is never woken."""
    served.worker.suspend()


def kill_front(served: Served, _: Proxy) -> None:
    """The first process (Java) is killed."""
    served.front.kill()


def kill_reader(served: Served, _: Proxy) -> None:
    """A process that reads pictures is killed."""
    served.reader.kill()


def kill_client(served: Served, _: Proxy) -> None:
    """A client beside the others is killed."""
    command = [sys.executable, "-c", CLIENT, served.url, served.key_file]
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as client:
        assert client.stdin is not None  # noqa: S101
        assert client.stdout is not None  # noqa: S101
        client.stdin.write(picture(99))
        client.stdin.close()
        client.stdout.readline()
        client.send_signal(signal.SIGKILL)


def cut_network(_: Served, proxy: Proxy) -> None:
    """All connections break."""
    proxy.cut()


def slow_network(_: Served, proxy: Proxy) -> None:
    """40 KiB a second on each connection for five seconds."""
    proxy.pause = 0.1
    time.sleep(SLOW_SECONDS)
    proxy.pause = 0.0


def _as_it_is() -> AbstractContextManager[Mapping[str, str]]:
    return nullcontext({})


@dataclass(frozen=True)
class Fault:
    """How it is done; `surroundings` gives the environment that a server needs for it.

    `most` is how often one server is to bear it; `has_proxy` puts a network that can be hurt
    before it.
    """

    do: Callable[[Served, Proxy], None]
    most: int = 20
    has_proxy: bool = False
    surroundings: Callable[[], AbstractContextManager[Mapping[str, str]]] = _as_it_is


BOTH = {
    "a reader of pictures is killed": Fault(kill_reader),
    "a client is killed": Fault(kill_client),
    "the network is cut": Fault(cut_network, has_proxy=True),
    "the network is slow": Fault(slow_network, has_proxy=True),
    "the disk is full": Fault(fill_disk, surroundings=a_small_disk),
    "the clock jumps": Fault(set_clock, surroundings=a_false_clock),
}
FAULTS: dict[str, dict[str, Fault]] = {
    "torchserve": {
        "the worker is killed": Fault(kill_worker),
        "the worker stands still": Fault(stop_worker),
        "the worker gets no memory": Fault(take_memory),
        "Java is killed": Fault(kill_front, LIVES),
        **BOTH,
    },
    "asgi": {
        "the server is killed": Fault(kill_front, LIVES),
        "the server stands still": Fault(stop_worker, LIVES),
        "the server gets no memory": Fault(take_memory, LIVES),
        **BOTH,
    },
}
