"""The standard set: which pairs there are, and what was painted and judged of them so far."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image

from judges.independent import Independent
from judges.methods import Method, Scene
from judges.panel import Panel
from painter.network.weights import Checkpoint

_SUFFIXES: Final = {".png", ".jpg", ".jpeg", ".webp"}


@dataclass(frozen=True)
class Pair:
    """A photo and a style, in files of any size."""

    content: Path
    style: Path

    @property
    def name(self) -> str:
        """CONTENT-STYLE."""
        return f"{self.content.stem}-{self.style.stem}"

    def scene(self, size: int) -> Scene:
        """Both brought to a longest side of `size` px, so that nobody resizes anything after."""
        return Scene(self.name, size, _resized(self.content, size), _resized(self.style, size))


@dataclass(frozen=True)
class Judged:
    """What the judges said of one painting; `seconds` are the processor's, None where it
    was not painted here."""

    pair: str
    method: str
    size: int
    scores: dict[str, float]
    seconds: float | None


def find_pairs(images: Path, contents: Sequence[str], styles: Sequence[str]) -> list[Pair]:
    """Every photo of `content` with every style of `style`, by the names of their files.

    `contents` and `styles` are names without suffix, or one number: so many, evenly spaced.
    """
    photos = _chosen(images / "content", contents)
    return [Pair(photo, style) for style in _chosen(images / "style", styles) for photo in photos]


class Kept:
    """What lies in a folder: a painting and its scores for each pair, method and size."""

    def __init__(self, folder: Path, checkpoint: Checkpoint, networks: Path) -> None:
        self._folder, self._checkpoint = folder, checkpoint
        self._networks_folder = networks
        self._networks: Independent | None = None

    def painting(self, pair: str, method: str, size: int) -> Path:
        """Where a painting is, or will be."""
        return self._folder / str(size) / pair / f"{_file_name(method)}.png"

    def judge(self, pair: Pair, methods: Sequence[Method], size: int) -> Iterator[Judged]:
        """Paints and judges what there is not yet, and tells all of it."""
        panel: Panel | None = None
        scene = pair.scene(size)
        for method in methods:
            path = self.painting(pair.name, method.name, size)
            scores = path.with_suffix(".json")
            if not scores.exists():
                seconds = _paint(method, scene, path)
                if not path.exists():
                    continue
                panel = panel or self._panel(scene)
                said = {"scores": panel.judge(path.read_bytes()), "seconds": seconds}
                scores.write_text(json.dumps(said, indent=1))
            known: dict[str, Any] = json.loads(scores.read_text())
            yield Judged(pair.name, method.name, size, known["scores"], known["seconds"])

    def _panel(self, scene: Scene) -> Panel:
        if self._networks is None:
            self._networks = Independent(self._networks_folder)
        return Panel(self._checkpoint, self._networks, scene.photo, scene.style)


def _paint(method: Method, scene: Scene, path: Path) -> float | None:
    """Seconds of the processor that it took; None where nothing was painted."""
    if path.exists():
        return None
    began = time.process_time()
    data = method.paint(scene)
    seconds = time.process_time() - began
    if data is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return seconds


def _chosen(folder: Path, names: Sequence[str]) -> list[Path]:
    found = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in _SUFFIXES}
    if len(names) == 1 and names[0] in map(str, range(1, 100)) and names[0] not in found:
        count = min(int(names[0]), len(found))
        stems = list(found)
        return [found[stems[index * len(stems) // count]] for index in range(count)]
    missing = [name for name in names if name not in found]
    if missing:
        raise FileNotFoundError(f"{folder} has no picture {missing[0]}: {', '.join(found)}")
    return [found[name] for name in names]


def _resized(path: Path, size: int) -> bytes:
    data = io.BytesIO()
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    image.resize((width, height), Image.Resampling.LANCZOS).save(data, "png")
    return data.getvalue()


def _file_name(method: str) -> str:
    return re.sub(r"[^\w.=+-]", "_", method)
