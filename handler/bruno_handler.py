"""The adapter for TorchServe, and the only file that knows it.

TorchServe (0.12, continuous batching, one worker) calls `handle` again and again with all
requests that it holds. The first time it gives a request's fields, later an empty row.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from bruno_service.desk import Call, Desk
from bruno_service.fields import header
from bruno_service.limits import Limits
from bruno_service.session import Piece
from painter.engine.painter import Painter

CHECKPOINT: Final = "vgg19.safetensors"
# An empty form is the one new request whose row is empty, too; no form with pictures is so small.
EMPTY_FORM_BYTES: Final = 200
WATCH_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


class BrunoHandler:
    """One worker: `initialize` makes it ready to paint, `handle` is one call for all requests."""

    def initialize(self, context: Any) -> None:
        """Loads the weights, paints a tiny picture, and watches for silence from then on.

        Raises ValueError where the model's configuration asks for more than one worker.
        """
        config = context.model_yaml_config
        if config.get("maxWorkers", 1) != 1:
            raise ValueError(
                "maxWorkers must be 1, since TorchServe stalls workers that share continuous "
                f"batches, got {config['maxWorkers']}"
            )
        checkpoint = Path(context.system_properties["model_dir"]) / CHECKPOINT
        make = partial(
            _make_painter,
            checkpoint,
            os.environ.get("BRUNO_DEVICE", "cpu"),
            os.environ.get("BRUNO_GRAPHS") == "on",
        )
        self._desk = Desk(make, Limits(**config.get("handler", {})))
        watch = partial(_watch, self._desk, context.model_name, _declared_metrics(context))
        threading.Thread(target=watch, name="watch", daemon=True).start()

    def handle(self, data: Sequence[Mapping[str, Any]], context: Any) -> list[bytes]:
        """The next piece of the answer to each request that TorchServe holds."""
        replies = self._desk.serve([_call(context, index, row) for index, row in enumerate(data)])
        for index, reply in enumerate(replies):
            if reply is None:
                # The worker answers whom it finds here; TorchServe sends the others again, whole.
                del context.request_ids[index]
            else:
                _address(context, index, reply)
        # TorchServe keeps the criteria of the last call, so every call needs its own.
        context.stopping_criteria = [_verdict(reply) for reply in replies]
        return [b"" if reply is None else reply.body for reply in replies]


def _make_painter(checkpoint: Path, device: str, graphs: bool) -> Painter:
    painter = Painter(checkpoint, device, graphs=graphs)
    painter.warm_up()
    return painter


def _watch(desk: Desk, model: str, metrics: Mapping[str, Any]) -> None:
    """Frees what is not needed any more, writes the metrics, and ends a useless worker."""
    written: dict[str, int] = {}
    while not desk.device_lost:
        time.sleep(WATCH_SECONDS)
        try:
            desk.reap()
            desk.rest()
            tally = desk.tally()
            _write_metrics(tally, written, model, metrics)
            written = tally
        except Exception:  # nothing may keep the next round from freeing and ending
            logger.exception("one round of the watch failed")
    # The last replies go out first; TorchServe then starts a new worker.
    time.sleep(WATCH_SECONDS)
    os._exit(1)


def _write_metrics(
    tally: Mapping[str, int], written: Mapping[str, int], model: str, metrics: Mapping[str, Any]
) -> None:
    """Writes what has changed: gauges as they are, totals by what was added to them."""
    for name, value in tally.items():
        added = value - written.get(name, 0)
        if added and name in metrics:
            metrics[name].add_or_update(added if name.endswith("_total") else value, [model])


def _call(context: Any, index: int, row: Mapping[str, Any]) -> Call:
    headers = context.get_all_request_header(index)
    length = header(headers, "content-length")
    continued = not row and length.isdecimal() and int(length) > EMPTY_FORM_BYTES
    return Call(context.get_request_id(index), row, headers, continued)


def _address(context: Any, index: int, reply: Piece) -> None:
    context.set_response_status(reply.status, "", index)
    for name, value in reply.headers.items():
        # TorchServe knows the content type by its name in lower case only.
        context.set_response_header(index, name.lower(), value)


def _verdict(reply: Piece | None) -> Any:
    """What TorchServe asks for each answer: None if it is whole, else whether it has ended.

    A stream that ends with its first piece would leave the client without a head.
    """
    verdict = None if reply is None or (reply.first and reply.last) else reply.last
    return lambda _body: verdict


def _declared_metrics(context: Any) -> dict[str, Any]:
    return {
        name: metric
        for metrics in context.metrics.cache.values()
        for name, metric in metrics.items()
    }
