"""Paints without a server: `python -m painter photo style -o painting.png`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from painter.errors import OutOfRange, PaintError
from painter.job import Job
from painter.options import SPECS, STYLES_MOST, read_options
from painter.painting import DeviceMissing, Painter
from painter.request import Request
from painter.scheduler import Scheduler
from painter.weights import WeightsError

_SUFFIXES = {".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".tif": "tiff", ".tiff": "tiff"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, paints, and writes the picture; the exit status is 2 for a mistake."""
    given = vars(_parser().parse_args(arguments))
    output: Path = given.pop("output")
    try:
        job = _paint(_begin(given, output))
        output.write_bytes(job.result().data)
    except (PaintError, WeightsError, DeviceMissing, OSError) as error:
        print(f"painter: {_told(error)}", file=sys.stderr)
        return 2
    if job.error is not None:
        print(f"painter: {job.error.detail}", file=sys.stderr)
    return 0 if job.error is None else 1


def _told(error: Exception) -> str:
    """One sentence; the system's own begin with a number."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _begin(given: dict[str, Any], output: Path) -> tuple[Painter, Job]:
    photo, styles = given.pop("photo"), given.pop("style")
    weights, device = given.pop("weights"), given.pop("device")
    if len(styles) > STYLES_MOST:
        raise OutOfRange(
            "option_out_of_range", f"style: at most {STYLES_MOST} paintings, got {len(styles)}"
        )
    if not output.parent.is_dir():
        raise NotADirectoryError(f"output: there is no folder {output.parent}")
    values = {name: value for name, value in given.items() if value is not None}
    values.setdefault("format", _SUFFIXES.get(output.suffix.lower(), "png"))
    options = read_options(values)
    request = Request(options, photo.read_bytes(), tuple(map(Path.read_bytes, styles)))
    painter = Painter(weights, device)
    return painter, painter.begin(request)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m painter", description=__doc__)
    parser.add_argument("photo", type=Path, help="The photo.")
    parser.add_argument("style", type=Path, nargs="+", help=f"Up to {STYLES_MOST} paintings.")
    parser.add_argument("-o", "--output", type=Path, default=Path("painting.png"))
    parser.add_argument(
        "--weights",
        type=Path,
        default=Path("model_store/vgg19.safetensors"),
        help="The checkpoint.",
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    for name, spec in SPECS.items():
        parser.add_argument(
            "--" + name.replace("_", "-"), dest=name, help=f"{spec.help} ({spec.allowed()})"
        )
    return parser


def _paint(begun: tuple[Painter, Job]) -> Job:
    painter, job = begun
    scheduler = Scheduler(painter)
    scheduler.add(job)
    while not job.finished:
        scheduler.advance(0.5)
        _show(job)
    print(file=sys.stderr)
    return job


def _show(job: Job) -> None:
    progress = job.progress
    if progress.losses is None:
        return
    eta = "" if progress.eta is None else f", {progress.eta:.0f} s left"
    print(
        f"\rstep {progress.step}/{progress.steps or '?'}, {progress.width} x {progress.height} px, "
        f"content {progress.losses.content:.3f}, style {progress.losses.style:.4f}{eta}   ",
        end="",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
