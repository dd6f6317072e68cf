"""What operators ask of a service: what became of its requests, and how long that took."""

from __future__ import annotations

import json
import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import psutil
import torch

from bruno_service.limits import Limits
from bruno_service.metrics import Histogram, series
from bruno_service.session import Session
from bruno_service.timeline import STAGES
from bruno_service.tracing import trace
from painter.engine.ledger import Bytes
from painter.engine.painter import Painter
from painter.engine.thread import EngineThread

# Counted from 0, since what is there for the first time has not grown for Prometheus; other codes
# are those of requests that nobody can take in.
ENDS: Final = (
    "bruno_paintings_finished_total",
    "bruno_paintings_cancelled_total",
    *(
        series("bruno_paintings_failed_total", code=code)
        for code in ("internal", "interrupted", "out_of_memory", "short_of_memory")
    ),
    series("bruno_paintings_refused_total", code="full"),
)
SMALLEST_SIZE: Final = 64

logger = logging.getLogger(__name__)


class Observations:
    """Counts since the start of a service; its lock is held by whoever calls."""

    def __init__(self) -> None:
        self._started = round(time.time(), 3)
        self._ends = defaultdict(float, dict.fromkeys(ENDS, 0.0))
        self._steps: defaultdict[str, float] = defaultdict(float)
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._histograms = {
            "first_preview": Histogram("bruno_first_preview_seconds"),
            "total": Histogram("bruno_painting_seconds"),
            "wait": Histogram("bruno_wait_seconds"),
        }

    def leave(self, session: Session) -> None:
        """One is not painted on any more: its steps are kept."""
        if session.size:
            self._steps[_size(session)] += session.steps
            self._seconds[_size(session)] += session.painted_seconds

    def close(self, session: Session) -> None:
        """One has ended, whichever way: it is counted, and told in one line of the log."""
        session.timeline.mark("closed")
        if session.outcome == "described":
            return
        has_code = session.outcome in ("failed", "refused")
        labels = {"code": session.code or "incomplete"} if has_code else {}
        self._ends[series(f"bruno_paintings_{session.outcome}_total", **labels)] += 1
        for stage, histogram in self._histograms.items():
            seconds = session.timeline.seconds(stage)
            if seconds is not None and (stage != "total" or session.outcome == "finished"):
                histogram.observe(seconds)
        logger.info("painting %s", json.dumps(log_entry(session), ensure_ascii=False))
        trace(session)

    def samples(self, painted: Iterable[Session]) -> dict[str, float]:
        """What was counted; those who are still painted count with what they have so far."""
        steps, seconds = self._steps.copy(), self._seconds.copy()
        for session in painted:
            if session.size:
                steps[_size(session)] += session.steps
                seconds[_size(session)] += session.painted_seconds
        samples = {"bruno_start_time_seconds": self._started, **dict(sorted(self._ends.items()))}
        for histogram in self._histograms.values():
            samples |= histogram.samples()
        samples |= {series("bruno_steps_total", size=size): n for size, n in sorted(steps.items())}
        return samples | {
            series("bruno_paint_seconds_total", size=size): round(n, 3)
            for size, n in sorted(seconds.items())
        }


def log_entry(session: Session) -> dict[str, object]:
    """One painting as a line of the log has it: nothing of its pictures, and no token."""
    stages = {f"{stage}_seconds": session.timeline.seconds(stage) for stage in STAGES}
    return {
        "request_id": session.id,
        "traceparent": session.origin.traceparent,
        "upstream_id": session.origin.upstream_id,
        "outcome": session.outcome,
        "code": session.code,
        "events": session.events,
        "width": session.size[0] if session.size else None,
        "height": session.size[1] if session.size else None,
        "steps": session.steps,
        **{name: None if value is None else round(value, 3) for name, value in stages.items()},
    }


def load(running: int, waiting: int, limits: Limits) -> dict[str, float]:
    """How busy a service is now."""
    return {
        "bruno_paintings_running": running,
        "bruno_paintings_waiting": waiting,
        "bruno_running_limit": limits.running,
        "bruno_waiting_limit": limits.waiting,
    }


def work(engine: EngineThread) -> dict[str, float]:
    """What the engine has done since its start."""
    styles = engine.painter.styles
    return {
        "bruno_evaluations_total": engine.evaluations,
        "bruno_turns_total": engine.turns,
        "bruno_turn_seconds_total": round(engine.turn_seconds, 3),
        "bruno_style_cache_hits_total": styles.hits,
        "bruno_style_cache_misses_total": styles.misses,
    }


def memory(painter: Painter, held: Bytes) -> dict[str, float]:
    """What the process has, what is promised to paintings, and what may be promised."""
    device = painter.vgg.device
    has = {"host": psutil.Process().memory_info().rss}
    promised = {"host": held.host + held.device}
    budget = {"host": painter.memory_bytes}
    if device.type == "cuda":
        has["device"] = torch.cuda.memory_reserved(device)
        promised = {"host": held.host, "device": held.device}
        budget = {"host": painter.host_bytes, "device": painter.memory_bytes}
    kinds = {"": has, "_held": promised, "_budget": budget}
    return {
        series(f"bruno_memory{kind}_bytes", where=where): value
        for kind, values in kinds.items()
        for where, value in values.items()
    }


def _size(session: Session) -> str:
    """The longest side, rounded up to a power of two, lest there are as many series as sizes."""
    longest = max(session.size or (SMALLEST_SIZE,))
    return str(max(SMALLEST_SIZE, 1 << (longest - 1).bit_length()))
