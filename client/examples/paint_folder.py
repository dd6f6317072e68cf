"""Paint every picture of a folder in one style, two at a time.

    python paint_folder.py photos/ starry-night.jpg painted/

What cannot be painted does not stop the others; it is told at the end.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bruno import Bruno
from bruno.options import Request


def paint_folder(photos: Path, style: Path, painted: Path, options: Request) -> int:
    """Paints into the folder `painted`, and returns how many pictures failed."""
    painted.mkdir(parents=True, exist_ok=True)
    files = sorted(path for path in photos.iterdir() if path.is_file())
    batch = Bruno().batch(files, [style], **options)
    for finished in batch:
        name = Path(str(finished.task.content)).name
        finished.painting.save(painted / f"{name}.png")
        print(f"{name} is painted", flush=True)
    for failed in batch.failures:
        print(f"{Path(str(failed.task.content)).name}: {failed.error}", file=sys.stderr)
    return len(batch.failures)


def main() -> int:
    """Run from the command line; 1 where a picture failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("style", type=Path)
    parser.add_argument("painted", type=Path)
    parser.add_argument("--size", type=int)
    parser.add_argument("--steps", type=int)
    asked = parser.parse_args()
    options: Request = {"size": asked.size, "steps": asked.steps}
    return 1 if paint_folder(asked.photos, asked.style, asked.painted, options) else 0


if __name__ == "__main__":
    sys.exit(main())
