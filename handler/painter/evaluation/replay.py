"""Evaluations that are recorded once and then replayed, so that no kernel waits to be launched.

An evaluation at 512 px is over three hundred kernels, and a GPU is done with most of them before
Python has launched the next. A CUDA graph launches them all at once, but always on the memory that
it was recorded with. So each kind of evaluation has a slot: buffers for what goes in and what comes
out. A painting's canvas is copied there for each evaluation, its targets whenever another painting
was there before.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Final, Protocol
from weakref import WeakKeyDictionary, ref

import torch

from painter.evaluation.nested import copied, form_of, tensors_of
from painter.evaluation.objective import Objective
from painter.evaluation.passes import Evaluation, View, evaluate
from painter.network.vgg import VGG19

# Slots are made for what comes again: one that is never replayed costs more than it saves.
_USES_LEAST: Final = 2

_log = logging.getLogger(__name__)


class Recorder(Protocol):
    """Runs work that always uses the same memory, and gives what runs it again."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """What repeats the work; raises RuntimeError where it cannot be recorded."""
        ...

    def forget(self) -> None:
        """Frees what recordings hold, none of which is used again."""
        ...


class Replay:
    """Evaluates canvases by replaying, from the second evaluation of a kind on.

    What cannot be recorded is evaluated as it is everywhere else, and the log tells so once for
    each kind. `most_bytes` is what slots may hold; beyond it all are dropped, since the memory of
    recordings is freed together or not at all.
    """

    def __init__(self, vgg: VGG19, recorder: Recorder, most_bytes: int) -> None:
        self._vgg, self._recorder, self._most_bytes = vgg, recorder, most_bytes
        self._uses: Counter[Hashable] = Counter()
        self._slots: dict[Hashable, _Slot | None] = {}
        # To tell a kind takes longer than to replay it.
        self._kinds: WeakKeyDictionary[Objective, dict[Hashable, Hashable]] = WeakKeyDictionary()

    def __call__(self, views: Sequence[View]) -> list[Evaluation]:
        """The evaluations of canvases, each in a pass of its own."""
        return [self._evaluated(view) for view in views]

    def _evaluated(self, view: View) -> Evaluation:
        kind = self._kind_of(view)
        self._uses[kind] += 1
        if self._uses[kind] >= _USES_LEAST and kind not in self._slots:
            self._slots[kind] = self._made(view)
        slot = self._slots.get(kind)
        return evaluate(self._vgg, [view])[0] if slot is None else slot.evaluate(view)

    def _kind_of(self, view: View) -> Hashable:
        known, which = self._kinds.setdefault(view.objective, {}), (view.shift, view.with_gradient)
        if which not in known:
            known[which] = _kind(view)
        return known[which]

    def _made(self, view: View) -> _Slot | None:
        held = sum(slot.bytes for slot in self._slots.values() if slot is not None)
        if held > self._most_bytes:
            self.forget()
        try:
            return _Slot(self._vgg, view, self._recorder)
        except torch.OutOfMemoryError:
            self.forget()
            return None
        except RuntimeError as error:
            height, width = view.objective.shape
            reason = str(error).splitlines()[0]
            _log.warning("%d x %d px are not replayed: %s", width, height, reason)
            return None

    def forget(self) -> None:
        """Drops all slots; they are made anew when their kinds come again."""
        self._slots.clear()
        self._uses.clear()
        self._recorder.forget()


class _Slot:
    """The buffers of one kind of evaluation, and what replays it on them."""

    def __init__(self, vgg: VGG19, view: View, recorder: Recorder) -> None:
        self._vgg = vgg
        narrowed = _narrowed(view)
        self._objective = copied(narrowed, iter([t.clone() for t in tensors_of(narrowed)]))
        self._inputs = list(tensors_of(self._objective))
        self._source = ref(view.objective)
        canvas = view.canvas.clone()
        self._view = replace(view, canvas=canvas, objective=self._objective)
        # Buffers for the result are made outside the recording, whose memory it uses anew.
        evaluation = evaluate(vgg, [self._view])[0]
        self._evaluation = _clone(evaluation)
        self._replay = recorder.record(self._work)

    @property
    def bytes(self) -> int:
        """What its inputs take, which is most of what it holds."""
        return sum(tensor.nbytes for tensor in self._inputs)

    def evaluate(self, view: View) -> Evaluation:
        """The evaluation of a canvas of this kind."""
        if self._source() is not view.objective:
            for buffer, new in zip(self._inputs, tensors_of(_narrowed(view)), strict=True):
                buffer.copy_(new)
            self._source = ref(view.objective)
        self._view.canvas.copy_(view.canvas)
        self._replay()
        # A copy, since an optimizer may keep a gradient for longer than the buffer does.
        return _clone(self._evaluation)

    def _work(self) -> None:
        evaluation = evaluate(self._vgg, [self._view])[0]
        self._evaluation.terms.copy_(evaluation.terms)
        self._evaluation.objective_value.copy_(evaluation.objective_value)
        if self._evaluation.gradient is not None and evaluation.gradient is not None:
            self._evaluation.gradient.copy_(evaluation.gradient)


def _clone(evaluation: Evaluation) -> Evaluation:
    gradient = None if evaluation.gradient is None else evaluation.gradient.clone()
    return Evaluation(evaluation.terms.clone(), gradient, evaluation.objective_value.clone())


def _kind(view: View) -> Hashable:
    """What evaluations must agree in to be replayed on the same buffers: all but the numbers."""
    return view.shift, view.with_gradient, view.canvas.shape, form_of(_narrowed(view))


def _narrowed(view: View) -> Objective:
    """The objective as far as the evaluation of one view looks at it."""
    layouts = {view.shift: view.objective.layouts[view.shift]}
    content = view.canvas.new_empty(()).expand(view.canvas.shape)
    return replace(
        view.objective, content=content, layouts=layouts, coarser=None, downsampling=None
    )
