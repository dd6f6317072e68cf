"""The adapter for TorchServe, and the only file that knows it.

TorchServe (0.12, continuous batching, one worker) calls `handle` again and again with all
requests that it holds. The first time it gives a request's fields, later an empty row.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bruno_service.bodies import begun_elsewhere, refuse, submit_row, unreadable
from bruno_service.draining import Drain
from bruno_service.limits import Limits
from bruno_service.messages import Unauthorized, is_bearer
from bruno_service.metrics import CATALOG, metric_of, parts
from bruno_service.process import make_service, watch
from bruno_service.session import Piece, Session

# An empty form is the one new request whose row is empty; no form with pictures is so small.
EMPTY_FORM_BYTES: Final = 200
# TorchServe ends a worker whose reply is too large: large answers go out over several calls.
REPLY_BYTES: Final = 4 * 2**20
# A call waits for so long until it is decided whether new requests are good.
DECIDE_SECONDS: Final = 2.0
# That no call comes any more is all that tells that the last client has gone.
IDLE_SECONDS: Final = 2.0
# TorchServe hands what a worker had begun to the next one with its first calls, and never later.
FIRST_CALLS: Final = 3
LOST: Final = "the worker lost this painting while it was made"


class BrunoHandler:
    """One worker: `initialize` makes it ready to paint, `handle` is one call for all requests."""

    def initialize(self, context: Any) -> None:
        """Loads the weights, paints a tiny picture, and watches for silence from then on.

        Raises ValueError where the model's configuration asks for more than one worker.
        """
        config = context.model_yaml_config
        if config.get("maxWorkers", 1) != 1:
            why = "since TorchServe stalls others"
            raise ValueError(f"maxWorkers must be 1, {why}, got {config['maxWorkers']}")
        limits = dict(config["handler"])
        self._slice_seconds = limits.pop("slice_seconds")
        self._reap_seconds = limits.pop("reap_seconds")
        checkpoint = Path(context.system_properties["model_dir"]) / "vgg19.safetensors"
        self._service = make_service(checkpoint, Limits(**limits))
        self._model = context.model_name
        self._metrics = {k: v for kind in context.metrics.cache.values() for k, v in kind.items()}
        self._written: Mapping[str, float] = {}
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._called, self._calls = time.monotonic(), 0
        self._token = os.environ.get("BRUNO_TOKEN", "")
        self._drain = Drain(self._service)
        watch(self._service, self._watch)

    def handle(self, data: Sequence[Mapping[str, Any]], context: Any) -> list[bytes]:
        """The next piece of the answer to each request that TorchServe holds."""
        with self._lock:
            self._service.engine.ask(math.inf)
            self._calls += 1
            sessions = self._take_in(data, context)
            self._service.move_until(lambda: all(each.decided for each in sessions), DECIDE_SECONDS)
            self._service.move_until(lambda: _is_news(sessions), self._slice_seconds)
            pieces = self._take_pieces(sessions)
            self._called = time.monotonic()
            self._service.engine.ask(self._called + IDLE_SECONDS)
        for index, piece in enumerate(pieces):
            if piece is None:
                # The worker answers whom it finds here; TorchServe sends the others again, whole.
                del context.request_ids[index]
                continue
            context.set_response_status(piece.status, "", index)
            for name, value in piece.headers.items():
                # TorchServe knows the content type by its name in lower case only.
                context.set_response_header(index, name.lower(), value)
        # TorchServe keeps the criteria of the last call, so every call needs its own.
        context.stopping_criteria = [_verdict(piece) for piece in pieces]
        return [piece.body if piece else b"" for piece in pieces]

    def _take_in(self, data: Sequence[Mapping[str, Any]], context: Any) -> list[Session]:
        ids = [context.get_request_id(index) for index in range(len(data))]
        for id in self._sessions.keys() - set(ids):
            self._service.cancel(self._sessions.pop(id))
        for index, (id, row) in enumerate(zip(ids, data, strict=True)):
            if id not in self._sessions:
                self._sessions[id] = self._open(id, row, context.get_all_request_header(index))
        return [self._sessions[id] for id in ids]

    def _open(self, id: str, row: Mapping[str, Any], headers: Mapping[str, Any]) -> Session:
        known = {name.lower(): value for name, value in headers.items() if isinstance(value, str)}
        accept, length = known.get("accept", ""), known.get("content-length", "")
        is_empty = not row and length.isdecimal() and int(length) > EMPTY_FORM_BYTES
        if is_empty and self._calls <= FIRST_CALLS:
            # A worker before this one has begun its answer. A picture ends as an empty 200 now.
            return begun_elsewhere(self._service, id, accept, LOST)
        # With a token of our own TorchServe asks for none.
        if self._token and not is_bearer(known.get("authorization", ""), self._token):
            return refuse(self._service, id, Unauthorized())
        if is_empty:
            return refuse(self._service, id, unreadable("none of its parts can be found"))
        try:
            return submit_row(self._service, id, known, row)
        except MemoryError as error:  # of this one alone: TorchServe would tell it to all
            return refuse(self._service, id, error)

    def _take_pieces(self, sessions: Sequence[Session]) -> list[Piece | None]:
        """What goes out in one reply: all of those who have least to tell, then of the others."""
        pieces, room = {}, REPLY_BYTES
        for session in sorted(sessions, key=lambda session: session.pending):
            if session.decided:
                piece = pieces[session.id] = self._service.take(session, room)
                room -= len(piece.body)
                if piece.last:
                    del self._sessions[session.id]
        return [pieces.get(session.id) for session in sessions]

    def _watch(self) -> None:
        """Stops all when no call came for long, and writes what has changed of the metrics."""
        with self._lock:
            if time.monotonic() - self._called >= self._reap_seconds:
                self._service.interrupt(self._sessions.values(), LOST)
            self._drain.follow(self._sessions.values())
        before, self._written = self._written, self._service.tally()
        for series, value in self._written.items():
            name, labels = parts(series)
            if value != before.get(series) and name in self._metrics:
                grows = CATALOG[metric_of(name)].kind == "counter"
                update = value - before.get(series, 0) if grows else value
                self._metrics[name].add_or_update(update, [self._model, *labels])


def _is_news(sessions: Sequence[Session]) -> bool:
    return not sessions or any(each.has_news or not each.decided for each in sessions)


def _verdict(piece: Piece | None) -> Any:
    """What TorchServe asks for: None for a whole answer, which needs a head, else its end."""
    verdict = None if piece is None or (piece.first and piece.last) else piece.last
    return lambda _body: verdict
