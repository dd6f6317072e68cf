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
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final, Protocol
from weakref import ref

import torch
from torch import Tensor

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

    def __call__(self, views: Sequence[View]) -> list[Evaluation]:
        """The evaluations of canvases, each in a pass of its own."""
        return [self._evaluated(view) for view in views]

    def _evaluated(self, view: View) -> Evaluation:
        kind = _kind(view)
        self._uses[kind] += 1
        if self._uses[kind] >= _USES_LEAST and kind not in self._slots:
            self._slots[kind] = self._made(view)
        slot = self._slots.get(kind)
        return evaluate(self._vgg, [view])[0] if slot is None else slot.evaluate(view)

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
        self._objective = _copied(narrowed, iter([t.clone() for t in _tensors(narrowed)]))
        self._inputs = list(_tensors(self._objective))
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
            for buffer, new in zip(self._inputs, _tensors(_narrowed(view)), strict=True):
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
    """What evaluations must agree in to be replayed on the same buffers."""
    objective = view.objective
    return (
        view.shift,
        view.with_gradient,
        objective.config,
        objective.terms,
        objective.has_variation,
        view.canvas.shape,
        tuple((tensor.shape, tensor.dtype) for tensor in _tensors(_narrowed(view))),
    )


def _narrowed(view: View) -> Objective:
    """The objective as far as the evaluation of one view looks at it."""
    layouts = {view.shift: view.objective.layouts[view.shift]}
    content = view.canvas.new_empty(()).expand(view.canvas.shape)
    return replace(
        view.objective, content=content, layouts=layouts, coarser=None, downsampling=None
    )


def _tensors(value: Any) -> Iterator[Tensor]:
    """All tensors of an objective, in a fixed order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _tensors(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from _tensors(each)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _tensors(getattr(value, field.name))


def _copied(value: Any, tensors: Iterator[Tensor]) -> Any:
    """The same value with other tensors, in the order of `_tensors`."""
    if isinstance(value, Tensor):
        return next(tensors)
    if isinstance(value, dict):
        return {key: _copied(each, tensors) for key, each in value.items()}
    if isinstance(value, tuple):
        return tuple(_copied(each, tensors) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        return replace(value, **{name: _copied(getattr(value, name), tensors) for name in names})
    return value
