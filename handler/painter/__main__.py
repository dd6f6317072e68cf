"""Paints without a server: `python -m painter photo style -o painting.png`."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from painter.device.compute import DeviceMissing
from painter.engine.painter import Painter
from painter.engine.scheduler import Scheduler
from painter.errors import OutOfRange, PaintError
from painter.network.weights import WeightsError
from painter.options.catalog import SPECS, STYLES_MOST, Options
from painter.options.reading import check_style_weights, read_options
from painter.options.request import Request
from painter.options.wording import short
from painter.painting.job import Job

# What a suffix stands for; with `--format` any of those that begin like it, png16 for .png say.
_FORMATS: Final = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
}
# Arguments that are neither pictures that must be there nor options.
_OTHERS: Final = ("style_weights", "mask", "style_mask", "content_mask", "canvas", "palette")
# Where no one watches a line that rewrites itself, a new one every so often.
_LINE_SECONDS: Final = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, paints, and writes the picture; the exit status is 2 for a mistake."""
    given = vars(_parser().parse_args(arguments))
    output: Path = given.pop("output")
    try:
        job = _paint(_begin(given, output))
        output.write_bytes(job.result().data)
        print(f"{output}: {job.plan.shape[1]} x {job.plan.shape[0]} px", file=sys.stderr)
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
    others = {name: given.pop(name) for name in _OTHERS}
    if others["canvas"] and given["init"] is None:
        given["init"] = "image"
    request = Request(
        _options(given, output),
        photo.read_bytes(),
        tuple(map(Path.read_bytes, styles)),
        style_weights=_style_weights(others["style_weights"], len(styles)),
        masks=_by_style("--mask", others["mask"], len(styles)),
        style_masks=_by_style("--style-mask", others["style_mask"], len(styles)),
        content_mask=_read(others["content_mask"]),
        canvas=_read(others["canvas"]),
        palette=_read(others["palette"]),
    )
    painter = Painter(weights, device)
    return painter, painter.begin(request)


def _options(given: dict[str, Any], output: Path) -> Options:
    format = _FORMATS.get(output.suffix.lower())
    if format is None:
        suffixes = ", ".join(_FORMATS)
        raise OutOfRange("option_out_of_range", f"output must end in {suffixes}, got {output.name}")
    if not output.parent.is_dir():
        raise NotADirectoryError(f"output: there is no folder {output.parent}")
    values = {name: value for name, value in given.items() if value is not None}
    options = read_options({"format": format, **values})
    if not options.format.startswith(format):
        raise OutOfRange(
            "option_out_of_range", f"format {options.format} does not go with {output.name}"
        )
    return options


def _style_weights(text: str | None, styles: int) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        weights = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise OutOfRange(
            "option_wrong_type",
            f"style_weights must be numbers with commas between them, got {short(text)}",
            "style_weights",
        ) from error
    return check_style_weights(weights, styles)


def _by_style(flag: str, texts: Sequence[str], styles: int) -> dict[int, bytes]:
    """The files of `1=mask.png` and the like, by the style they belong to."""
    files = {}
    for text in texts:
        number, _, path = text.partition("=")
        if not path or not number.isdecimal() or not 1 <= int(number) <= styles:
            raise OutOfRange(
                "option_out_of_range",
                f"{flag} must be like 1=mask.png with a style from 1 to {styles}, got {text}",
            )
        files[int(number)] = Path(path).read_bytes()
    return files


def _read(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()


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
    parser.add_argument("--style-weights", help="One number for each style, like 2,1.")
    for flag, what in (("--mask", "Where in the photo"), ("--style-mask", "What part of")):
        parser.add_argument(
            flag,
            metavar="1=MASK.PNG",
            action="append",
            default=[],
            help=f"{what} a style counts; once for each style.",
        )
    parser.add_argument("--content-mask", type=Path, help="Where the photo counts.")
    parser.add_argument("--canvas", type=Path, help="What to start from, with --init image.")
    parser.add_argument("--palette", type=Path, help="Whose colors to take, not the style's.")
    for name, spec in SPECS.items():
        parser.add_argument(
            "--" + name.replace("_", "-"),
            dest=name,
            metavar="|".join(spec.choices) or None,
            help=f"{spec.help} ({spec.allowed()})",
        )
    return parser


def _paint(begun: tuple[Painter, Job]) -> Job:
    painter, job = begun
    scheduler = Scheduler(painter)
    scheduler.add(job)
    in_place = sys.stderr.isatty()
    shown = -math.inf
    for _ in scheduler.run(0.5):
        if in_place or job.finished or time.monotonic() >= shown + _LINE_SECONDS:
            shown = time.monotonic()
            _show(job, "\r" if in_place else "\n")
    if in_place:
        print(file=sys.stderr)
    return job


def _show(job: Job, end: str) -> None:
    progress = job.progress
    if progress.losses is None:
        return
    eta = "" if progress.eta is None else f", {progress.eta:.0f} s left"
    line = (
        f"step {progress.step}/{progress.steps or '?'}, {progress.width} x {progress.height} px, "
        f"content {progress.losses.content:.3f}, style {progress.losses.style:.4f}{eta}"
    )
    print(f"{line:<80}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
