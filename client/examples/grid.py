"""A contact sheet of one photo in one style: rows of alpha against columns of beta.

python grid.py photo.jpg starry-night.jpg grid.png --alpha 0.5 2 --beta 5 20 80
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from bruno import Bruno, Task
from bruno.options import Request
from bruno.sheet import Tile, contact_sheet


def grid(
    photo: Path, style: Path, alphas: Sequence[float], betas: Sequence[float], options: Request
) -> Image.Image:
    """The sheet; a painting that failed leaves its place empty."""
    pairs = [(alpha, beta) for alpha in alphas for beta in betas]
    tasks = [Task(photo, style, {**options, "alpha": a, "beta": b}) for a, b in pairs]
    pictures = {
        (finished.task.options["alpha"], finished.task.options["beta"]): finished.painting.image
        for finished in Bruno().run(tasks)
    }
    rows = [
        [Tile(f"alpha {alpha:g}, beta {beta:g}", pictures.get((alpha, beta))) for beta in betas]
        for alpha in alphas
    ]
    return contact_sheet(rows, side=options.get("size") or 256)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("style", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--alpha", type=float, nargs="+", default=[0.5, 1, 2])
    parser.add_argument("--beta", type=float, nargs="+", default=[5, 20, 80])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int)
    asked = parser.parse_args()
    options: Request = {"size": asked.size, "steps": asked.steps}
    grid(asked.photo, asked.style, asked.alpha, asked.beta, options).save(asked.sheet)


if __name__ == "__main__":
    main()
