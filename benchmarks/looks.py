"""Paint the standard set by several methods, have it judged, and lay it out (`make bench-quality`).

Goes on where it was interrupted. What is painted, judged and laid out stays in a folder; the
table is printed, and written where `--write` says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from judges.methods import Method, Untouched, known, peers_in, read_method
from judges.sheets import write_sheets
from judges.standard import Judged, Kept, find_pairs
from judges.table import table
from painter.engine.painter import Painter
from painter.errors import PaintError
from painter.network.weights import load_checkpoint
from pairs import ROOT, USUAL_IMAGES

_PRESETS: Final = ("bruno", "neighbors", "strotss")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 2 for a mistake."""
    given = _parser().parse_args(arguments)
    if not given.images.is_dir():
        print(f"there is no folder {given.images}: name one with --images", file=sys.stderr)
        return 2
    painter = Painter(given.weights, given.device)
    try:
        methods: list[Method] = [
            Untouched(),
            *(read_method(text, painter) for text in given.methods or known(_PRESETS)),
        ]
        pairs = find_pairs(given.images, given.contents, given.styles)
    except (PaintError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    methods += peers_in(given.peers) if given.peers else []
    kept = Kept(given.out, load_checkpoint(given.weights), ROOT / ".bench" / "stlpips")
    names = [method.name for method in methods]
    judged: list[Judged] = []
    for number, pair in enumerate(pairs, start=1):
        judged += kept.judge(pair, methods, given.size)
        print(f"{number}/{len(pairs)} {pair.name}", file=sys.stderr, flush=True)
    for path in write_sheets(kept, pairs, names, given.size, given.out / f"sheets-{given.size}"):
        print(path, file=sys.stderr)
    text = table(judged, names)
    print(text)
    if given.write:
        given.write.write_text(text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="looks.py", description=__doc__)
    standard = USUAL_IMAGES / "standard"
    add = parser.add_argument
    add("--images", type=Path, default=standard, help="photos in content/, paintings in style/")
    add("--contents", nargs="+", default=["6"], help="names of photos, or how many")
    add("--styles", nargs="+", default=["10"], help="names of styles, or how many")
    add("--size", type=int, default=256, help="longest side in px")
    add(
        "--methods",
        nargs="+",
        metavar="PRESET[:OPTION=VALUE,…]",
        help=f"what paints; without it those of {', '.join(_PRESETS)} that there are",
    )
    add("--peers", type=Path, help="a folder for each other method, with CONTENT-STYLE.png in it")
    add("--out", type=Path, default=ROOT / ".bench" / "standard", help="where all of it lies")
    add("--write", type=Path, help="a file for the table")
    add("--weights", type=Path, default=ROOT / "model_store" / "vgg19.safetensors")
    add("--device", choices=("cpu", "cuda"), default="cpu")
    return parser


if __name__ == "__main__":
    sys.exit(main())
