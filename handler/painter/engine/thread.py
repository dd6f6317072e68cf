"""One thread owns the device: it paints in turns, and puts what is new into mailboxes."""

from __future__ import annotations

import atexit
import logging
import math
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Final

import torch

from painter.device.compute import have_team
from painter.device.faults import as_paint_error, caught, is_out_of_memory
from painter.engine.mailbox import Mailbox
from painter.engine.painter import Painter
from painter.engine.scheduler import Scheduler
from painter.errors import PaintError
from painter.painting.job import Job
from painter.painting.snapshots import Snapshot
from painter.planning.plan import Plan

# How long Python lets a thread go on while another waits, in seconds: kernels are over sooner on
# CUDA, and the device would idle while the server writes an answer.
SWITCH_SECONDS: Final = 5e-4

_log = logging.getLogger(__name__)


class EngineThread:
    """Paints on a thread of its own, as long as somebody asks for it.

    Other threads begin paintings, read their mailboxes and drop them; `ring` is called, from the
    engine's thread, whenever a mailbox has more than another step. `lost` says that the device
    answers no more, and that nothing is painted from then on. It has painted `turns` without a
    pause, which took `turn_seconds` together.
    """

    def __init__(
        self,
        make: Callable[[], Painter],
        ring: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Has its thread make the painter; raises what `make` raises."""
        self.lost = False
        self.evaluations = 0
        self.turns, self.turn_seconds = 0, 0.0
        self._ring = ring
        self._clock = clock
        self._work = threading.Condition()
        self._asked_until = -math.inf
        self._closed = False
        self._arrivals: deque[Mailbox] = deque()
        self._dropped: list[Mailbox] = []
        self._jobs: dict[Mailbox, Job] = {}
        made: Future[Painter] = Future()
        arguments = (make, made, torch.get_num_threads())
        self._thread = threading.Thread(target=self._run, args=arguments, name="engine")
        self._thread.daemon = True
        self._thread.start()
        # A thread that is computing when Python ends would end it by an abort.
        atexit.register(self.close)
        self.painter = made.result()
        self._scheduler = Scheduler(self.painter)

    def ask(self, until: float) -> None:
        """Says that somebody asks until then, by the clock; later nothing is painted."""
        with self._work:
            self._asked_until = until
            self._work.notify()

    def begin(self, plan: Plan, shows: bool) -> Mailbox:
        """Takes a painting in; `shows` says whether its previews are wanted."""
        mailbox = Mailbox(plan, shows)
        with self._work:
            self._arrivals.append(mailbox)
            self._work.notify()
        return mailbox

    def drop(self, mailbox: Mailbox) -> None:
        """Stops a painting between two evaluations; what it holds is freed with it."""
        with self._work:
            self._dropped.append(mailbox)
            self._work.notify()

    def close(self) -> None:
        """Ends the thread after its turn."""
        with self._work:
            self._closed = True
            self._work.notify()
        self._thread.join()
        atexit.unregister(self.close)

    def _run(self, make: Callable[[], Painter], made: Future[Painter], threads: int) -> None:
        have_team(threads)
        try:
            painter = make()
        except BaseException as error:
            made.set_exception(error)
            return
        if painter.vgg.device.type == "cuda":
            sys.setswitchinterval(SWITCH_SECONDS)
        made.set_result(painter)
        try:
            while self._await_work():
                self._turn()
        except Exception:
            _log.exception("the device is lost")
            self.lost = True
        for mailbox in [*self._arrivals, *self._jobs]:
            _let_go(mailbox)
        self._jobs.clear()
        self._ring()

    def _await_work(self) -> bool:
        with self._work:
            self._work.wait_for(self._has_work)
            return not self._closed

    def _has_work(self) -> bool:
        is_asked = self._is_asked() and bool(self._arrivals or self._jobs)
        return self._closed or bool(self._dropped) or is_asked

    def _is_asked(self) -> bool:
        return self._clock() < self._asked_until

    def _turn(self) -> None:
        """One new painting, and one turn for those that are being made."""
        with self._work:
            dropped, self._dropped = self._dropped, []
            self._arrivals = deque(each for each in self._arrivals if each not in dropped)
            is_asked = self._is_asked()
            arrival = self._arrivals.popleft() if is_asked and self._arrivals else None
        began = self._clock()
        for mailbox in dropped:
            self._leave(mailbox)
        if arrival is not None:
            self._begin(arrival)
        if is_asked:
            self._scheduler.advance(0)
            for mailbox, job in list(self._jobs.items()):
                self._tell(mailbox, job)
            self.turn_seconds += self._clock() - began
            self.turns += 1

    def _begin(self, mailbox: Mailbox) -> None:
        start = partial(self.painter.start, mailbox.plan)
        job = caught(start)
        if isinstance(job, Exception) and is_out_of_memory(job):
            job = caught(start) if self._scheduler.make_room(mailbox.plan, job) else job
        if isinstance(job, Job):
            self._jobs[mailbox] = job
            self._scheduler.add(job)
            self._tell(mailbox, job)
            self._ring()
            return
        self._end(mailbox, None, as_paint_error(job))
        if self.painter.vgg.device.type == "cuda":
            torch.cuda.empty_cache()

    def _tell(self, mailbox: Mailbox, job: Job) -> None:
        failed = caught(partial(self._put, mailbox, job))
        if isinstance(failed, Exception):
            self._end(mailbox, None, job.error or as_paint_error(failed))

    def _put(self, mailbox: Mailbox, job: Job) -> None:
        last, now = mailbox.progress, self._clock()
        before = 0 if last is None else last.step
        is_new = job.progress.step != before
        self.evaluations += job.progress.step - before
        if job.progress is not last:
            mailbox.put(now, progress=job.progress)
        if job.finished:
            self._end(mailbox, job.snapshot(), job.error)
        elif is_new and mailbox.wants_preview(now):
            mailbox.put(now, preview=job.preview_snapshot())
            self._ring()

    def _end(self, mailbox: Mailbox, snapshot: Snapshot | None, error: PaintError | None) -> None:
        self._leave(mailbox)
        mailbox.put(self._clock(), ended=True, snapshot=snapshot, error=error)
        self._ring()

    def _leave(self, mailbox: Mailbox) -> None:
        job = self._jobs.pop(mailbox, None)
        if job is not None:
            self._scheduler.remove(job)
        _let_go(mailbox)


def _let_go(mailbox: Mailbox) -> None:
    if not mailbox.gone.done():
        mailbox.gone.set_result(None)
