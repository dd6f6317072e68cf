"""The process of a server: how it makes its painter, and when it ends."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import torch
import yaml

from bruno_service.limits import Limits
from bruno_service.pools import decoders_on
from bruno_service.readers import Readers
from bruno_service.service import Service
from painter.engine.painter import Painter

WATCH_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


def make_painter(checkpoint: Path) -> Painter:
    """A painter that has painted before, on the device that BRUNO_DEVICE names.

    A GPU replays graphs where BRUNO_GRAPHS is not there, or is `on`.
    """
    device, graphs = os.environ.get("BRUNO_DEVICE", "cpu"), os.environ.get("BRUNO_GRAPHS", "on")
    painter = Painter(checkpoint, device, graphs=graphs == "on")
    painter.warm_up()
    return painter


def make_service(checkpoint: Path, limits: Limits) -> Service:
    """A service whose pictures are read in processes of their own; raises what `Painter` does."""
    readers = Readers(decoders_on(torch.get_num_threads()), limits.decode_seconds)
    try:
        return Service(partial(make_painter, checkpoint), limits, read=readers.read)
    except BaseException:
        readers.close()
        raise


def serve_archive(folder: Path) -> Service:
    """A service of an unpacked archive: its weights, and the limits of its `model-config.yaml`."""
    asked = yaml.safe_load((folder / "model-config.yaml").read_text())["handler"]
    limits = Limits(asked["running"], asked["waiting"], asked["decode_seconds"])
    return make_service(folder / "vgg19.safetensors", limits)


def drive(service: Service, seconds: float, wake: Callable[[], object]) -> None:
    """Has a thread move sessions on, and call `wake` then: at each ring, and each few seconds."""
    arguments = (service, seconds, wake)
    threading.Thread(target=_drive, args=arguments, name="drive", daemon=True).start()


def _drive(service: Service, seconds: float, wake: Callable[[], object]) -> None:
    while True:
        service.bell.wait(seconds)
        try:
            service.move()
            wake()
        except Exception:  # one round that fails is no reason to leave all the others waiting
            logger.exception("one round of the drive failed")


def watch(service: Service, each_round: Callable[[], None]) -> None:
    """Has a thread free what is not needed any more, and end a process that cannot paint.

    Nor can one whose parent has ended, since nobody reaches it.
    """
    threading.Thread(target=_watch, args=(service, each_round), name="watch", daemon=True).start()


def _watch(service: Service, each_round: Callable[[], None]) -> None:
    parent = os.getppid()
    while not service.engine.lost and os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
        try:
            each_round()
            service.rest()
        except Exception:  # nothing may keep the next round from freeing and ending
            logger.exception("one round of the watch failed")
    # The last replies go out first; whoever has started this process then starts another.
    time.sleep(WATCH_SECONDS)
    os._exit(1)
