"""Evaluations that are recorded once and then replayed, so that no kernel waits to be launched.

An evaluation at 512 px, with those of its coarser levels, is over five hundred kernels, and a GPU
is done with most of them before Python has launched the next. A CUDA graph launches them all at
once, those of each level beside the others, but always on the memory that it was recorded with. So
each kind of evaluation has a slot: buffers for what goes in and what comes out. A painting's canvas
is copied there for each evaluation, its targets whenever another painting was there before.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final, Protocol
from weakref import WeakKeyDictionary, ref

import torch
from torch import Tensor

from painter.canvas.layout import Shift
from painter.device.streams import Streams
from painter.evaluation.multiscale import evaluate_whole
from painter.evaluation.nested import copied, form_of, tensors_of
from painter.evaluation.objective import Objective
from painter.evaluation.passes import Evaluation, View
from painter.network.vgg import VGG19

# Slots are made for what comes again: one that is never replayed costs more than it saves.
_USES_LEAST: Final = 2
# What a kind is takes some kilobytes, whether it comes again or not; a painting has about twenty.
_KINDS_MOST: Final = 2000

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

    What comes of a canvas is whole: its coarser views are in it. What cannot be recorded is
    evaluated as it is everywhere else, and the log tells so once for each kind. `most_bytes` is
    what slots may hold; beyond it all are dropped, since the memory of recordings is freed together
    or not at all.
    """

    def __init__(self, vgg: VGG19, recorder: Recorder, streams: Streams, most_bytes: int) -> None:
        self._vgg, self._recorder, self._most_bytes = vgg, recorder, most_bytes
        self._streams = streams
        # Kinds go by numbers, since what they are is long; no number is given twice.
        self._kinds: dict[Hashable, int] = {}
        self._numbers = count()
        self._uses: Counter[int] = Counter()
        self._slots: dict[int, _Slot | None] = {}
        # To find out takes longer than to replay it.
        self._inputs: WeakKeyDictionary[Objective, dict[Hashable, _Inputs]] = WeakKeyDictionary()

    def __call__(self, views: Sequence[View]) -> list[Evaluation]:
        """The evaluations of canvases, each in a pass of its own."""
        return [self._evaluated(view) for view in views]

    def _evaluated(self, view: View) -> Evaluation:
        if len(self._kinds) > _KINDS_MOST:
            self.forget()
            self._kinds.clear()
            self._inputs.clear()
        inputs = self._inputs_of(view.objective, view.shift, view.with_gradient)
        kind = inputs.kind
        self._uses[kind] += 1
        if self._uses[kind] >= _USES_LEAST and kind not in self._slots:
            self._slots[kind] = self._made(view, inputs)
        slot = self._slots.get(kind)
        if slot is None:
            return evaluate_whole(self._vgg, view, self._streams)
        return slot.evaluate(view, inputs)

    def _inputs_of(self, objective: Objective, shift: Shift, with_gradient: bool) -> _Inputs:
        known = self._inputs.setdefault(objective, {})
        if (shift, with_gradient) not in known:
            narrowed = _narrowed(objective, shift)
            form, tensors = form_of(narrowed), tuple(tensors_of(narrowed))
            kind: Hashable = (shift, with_gradient, objective.shape, form)
            if objective.coarser is not None:
                coarser = self._inputs_of(objective.coarser, shift, with_gradient)
                kind, tensors = (kind, coarser.kind), tensors + coarser.tensors
            if kind not in self._kinds:
                self._kinds[kind] = next(self._numbers)
            known[shift, with_gradient] = _Inputs(self._kinds[kind], tensors)
        return known[shift, with_gradient]

    def _made(self, view: View, inputs: _Inputs) -> _Slot | None:
        held = sum(slot.bytes for slot in self._slots.values() if slot is not None)
        if held > self._most_bytes:
            self.forget()
        try:
            return _Slot(self._vgg, view, inputs, self._recorder, self._streams)
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


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What an evaluation is of: its kind, and all tensors but the canvas.

    Of one kind are those that can be replayed on the same buffers: they agree in all but numbers.
    """

    kind: int
    tensors: tuple[Tensor, ...]


class _Slot:
    """The buffers of one kind of evaluation, and what replays it on them."""

    def __init__(
        self, vgg: VGG19, view: View, inputs: _Inputs, recorder: Recorder, streams: Streams
    ) -> None:
        self._vgg, self._streams = vgg, streams
        buffers = [tensor.clone() for tensor in inputs.tensors]
        objective = _on(view.objective, view.shift, iter(buffers))
        self._inputs = buffers
        self._source = ref(view.objective)
        self._view = replace(view, canvas=view.canvas.clone(), objective=objective)
        # Buffers for the result are made outside the recording, whose memory it uses anew.
        self._evaluation = _clone(evaluate_whole(vgg, self._view, streams))
        self._replay = recorder.record(self._work)

    @property
    def bytes(self) -> int:
        """What its inputs take; the memory that its work runs in is the recorder's."""
        return sum(tensor.nbytes for tensor in self._inputs if not tensor.is_meta)

    def evaluate(self, view: View, inputs: _Inputs) -> Evaluation:
        """The evaluation of a canvas of this kind."""
        if self._source() is not view.objective:
            _copy(inputs.tensors, self._inputs)
            self._source = ref(view.objective)
        self._view.canvas.copy_(view.canvas)
        self._replay()
        # A copy, since an optimizer may keep a gradient for longer than the buffer does.
        return _clone(self._evaluation)

    def _work(self) -> None:
        evaluation = evaluate_whole(self._vgg, self._view, self._streams)
        self._evaluation.terms.copy_(evaluation.terms)
        self._evaluation.objective_value.copy_(evaluation.objective_value)
        if self._evaluation.gradient is not None and evaluation.gradient is not None:
            self._evaluation.gradient.copy_(evaluation.gradient)


def _copy(sources: Sequence[Tensor], buffers: Sequence[Tensor]) -> None:
    """Copies all tensors; those of a type at once, since each copy by itself would be a launch."""
    by_type: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
    for source, buffer in zip(sources, buffers, strict=True):
        if not buffer.is_meta:
            these, those = by_type.setdefault(buffer.dtype, ([], []))
            these.append(source)
            those.append(buffer)
    for these, those in by_type.values():
        torch._foreach_copy_(those, these)


def _clone(evaluation: Evaluation) -> Evaluation:
    gradient = None if evaluation.gradient is None else evaluation.gradient.clone()
    return replace(
        evaluation,
        terms=evaluation.terms.clone(),
        gradient=gradient,
        objective_value=evaluation.objective_value.clone(),
    )


def _on(objective: Objective, shift: Shift, tensors: Iterator[Tensor]) -> Objective:
    """The objective and all coarser ones as `_narrowed` has them, with other tensors in place."""
    mine: Objective = copied(_narrowed(objective, shift), tensors)
    if objective.coarser is None:
        return mine
    coarser = _on(objective.coarser, shift, tensors)
    return replace(mine, coarser=coarser, downsampling=objective.downsampling)


def _narrowed(objective: Objective, shift: Shift) -> Objective:
    """The objective of a level alone, as far as a pass in one shift looks at it."""
    # Nothing but the shape of the photo is asked for.
    content = torch.empty_like(objective.content, device="meta")
    layouts = {shift: objective.layouts[shift]}
    return replace(objective, content=content, layouts=layouts, coarser=None, downsampling=None)
