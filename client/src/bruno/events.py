"""The typed events of a stream; names that a later server may add are passed over."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from PIL import Image

from bruno.errors import UnexpectedResponseError
from bruno.options import Options
from bruno.painting import Painting
from bruno.protocol.problems import from_problem
from bruno.records import Level, Place


@dataclass(frozen=True)
class Waiting:
    """In the queue: position 1 is admitted next."""

    position: int


@dataclass(frozen=True)
class Accepted:
    """The painting begins: all options as resolved, the size in pixels and the pyramid.

    `adjusted` says in sentences what the server changed; `resumed` is the level and step
    that it goes on from, or None. Comes once more whenever a broken stream was mended.
    """

    request_id: str
    options: Options
    seed: int
    width: int
    height: int
    levels: list[Level]
    adjusted: list[str]
    resumed: Place | None


@dataclass(frozen=True)
class Progress:
    """The losses after one more evaluation; `steps` is 0 where a plateau decides.

    `seconds` counts from the start, `eta` is what is left (or None); width and height are
    those of the canvas at this level, in pixels. Losses are None while the first evaluation
    of a large canvas is not done.
    """

    step: int
    steps: int
    level: int
    levels: int
    width: int
    height: int
    content_loss: float | None
    style_loss: float | None
    tv_loss: float | None
    total_loss: float | None
    layers: dict[str, dict[str, float]]
    seconds: float
    eta: float | None

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1; by levels where a plateau decides."""
        return self.step / self.steps if self.steps else (self.level - 1) / self.levels


@dataclass(frozen=True)
class Preview:
    """The canvas as it is now, as a small JPEG, with its level and step."""

    level: int
    step: int
    width: int
    height: int
    media_type: str
    data: bytes = field(repr=False)

    @property
    def image(self) -> Image.Image:
        """The canvas, decoded by Pillow."""
        return Image.open(io.BytesIO(self.data))

    def _repr_jpeg_(self) -> bytes:
        """What a notebook shows."""
        return self.data


Event = Waiting | Accepted | Progress | Preview | Painting

_KINDS: Mapping[str, type[Event]] = {
    "waiting": Waiting,
    "accepted": Accepted,
    "progress": Progress,
    "preview": Preview,
    "painting": Painting,
}


def read_event(name: str, data: bytes) -> Event | None:
    """Makes the typed event; None for a name it does not know.

    Raises the problem that an `error` event carries, and UnexpectedResponseError for garbage.
    """
    if name != "error" and name not in _KINDS:
        return None
    try:
        values = json.loads(data)
        if name != "error":
            return _typed(_KINDS[name], values)
        problem = from_problem(values)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise UnexpectedResponseError(f"the server sent a garbled {name} event") from None
    raise problem


def _typed(kind: type[Event], values: dict[str, Any]) -> Event:
    if kind in (Preview, Painting):
        values["data"] = base64.b64decode(values["image"], validate=True)
    return kind(**{part.name: values[part.name] for part in fields(kind)})
