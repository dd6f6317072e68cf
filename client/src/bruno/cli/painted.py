"""What of a batch is painted already: files whose records tell what is asked for now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import click

from bruno.cli.files import digest
from bruno.client import Bruno
from bruno.errors import InvalidInputError
from bruno.inputs import read_picture
from bruno.options import OPTIONS, Request
from bruno.painting import read_record
from bruno.protocol.exchange import DEFAULT_TIMEOUT
from bruno.protocol.request import pictures_of
from bruno.records import Record
from bruno.tasks import Task

_SEEN_NOWHERE: Final = frozenset({"preset", "preview_every"})
_WEIGHTED: Final = ("content_layers", "style_layers", "content_loss", "style_loss")
_ALL_LAYERS: Final = [
    f"conv{block}_{index}"
    for block, count in enumerate((2, 2, 4, 4, 4), start=1)
    for index in range(1, count + 1)
]


def unpainted(client: Bruno, tasks: Mapping[Path, Task], options: Request) -> dict[Path, Task]:
    """The tasks without a file, and those whose file was made otherwise; tells of the others.

    A file without a record is somebody else's, and left alone.
    """
    there = {path: task for path, task in tasks.items() if path.exists()}
    wish = Wish(options, client.describe() if there else {})
    reasons = {path: _reason(wish, path, task) for path, task in there.items()}
    for reason, count in Counter(reasons.values()).items():
        if reason is not None:
            state = f"painted anew: {reason}" if reason else "painted already"
            click.echo(f"{count} of {len(tasks)} are {state}", err=True)
    return {path: task for path, task in tasks.items() if path not in there or reasons[path]}


def _reason(wish: Wish, path: Path, task: Task) -> str | None:
    """Why a file is to be painted anew, "" for no reason, None where it is not ours to say."""
    try:
        record = read_record(path)
    except InvalidInputError as problem:
        click.echo(f"{problem}: it is left as it is, --force paints over it", err=True)
        return None
    if record.get("incomplete"):
        return "incomplete"
    differences = wish.differences(record, task)
    return f"not the same {', '.join(differences)} as in the file" if differences else ""


class Wish:
    """The options and pictures that all paintings of a batch have in common."""

    def __init__(self, options: Request, description: Mapping[str, Any]) -> None:
        self._options = _resolved(options, description)
        pictures = pictures_of("", "", options)
        digests = {
            name: digest(read_picture(name, picture, DEFAULT_TIMEOUT))
            for name, picture in pictures.items()
            if name not in ("content", "style")
        }
        self._canvas = digests.pop("canvas", None)
        self._palette = digests.pop("palette", None)
        self._masks = digests
        self._digest_of_file = cache(_digest_of_file)

    def differences(self, record: Record, task: Task) -> list[str]:
        """What a record tells otherwise, of pictures and of options that both sides know."""
        then: Mapping[str, Any] = record["options"]
        digests = record["digests"]
        met = record.get("stopped") == "deadline"
        unseen = _SEEN_NOWHERE if met else _SEEN_NOWHERE | {"max_seconds"}
        options = [
            name
            for name, value in self._options.items()
            if name in then and name not in unseen and then[name] != value
        ]
        pictures = {
            "photo": (self._digest_of_file(str(task.content)), digests["content"]),
            "style": ([self._digest_of_file(str(task.style))], digests["styles"]),
            "masks": (self._masks, digests.get("masks", {})),
            "canvas": (self._canvas, digests.get("canvas")),
            "palette": (self._palette, digests.get("palette")),
        }
        return options + [name for name, (now, before) in pictures.items() if now != before]


def _resolved(options: Request, description: Mapping[str, Any]) -> dict[str, Any]:
    """Every option as the server would resolve it."""
    given = {name: value for name, value in options.items() if name in OPTIONS}
    values = {option["name"]: option["default"] for option in description.get("options", ())}
    preset = given.get("preset", values.get("preset"))
    values |= description.get("presets", {}).get(preset, {})
    values |= {"init": "image"} if "canvas" in options else {}
    values |= given
    return {
        name: weights_of_layers(value) if name in _WEIGHTED else value
        for name, value in values.items()
    }


def weights_of_layers(layers: Any) -> Any:
    """Layers as a record has them, with their weights; what cannot be read stays as it is."""
    if layers == "all":
        layers = _ALL_LAYERS
    if isinstance(layers, str):
        parts = [part.strip() for part in layers.split(",")]
        if ":" in layers:
            return _weights(parts) or layers
        layers = parts
    return {name: 1 / len(layers) for name in layers} if isinstance(layers, list) else layers


def _weights(parts: list[str]) -> dict[str, float] | None:
    pairs = [part.rpartition(":") for part in parts]
    try:
        return {layer.strip(): float(weight) for layer, _, weight in pairs}
    except ValueError:
        return None


def _digest_of_file(path: str) -> str:
    return digest(read_picture("content", path, DEFAULT_TIMEOUT))
