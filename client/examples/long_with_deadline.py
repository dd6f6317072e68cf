"""A large picture with a deadline: when the time is up, the best canvas so far is the painting.

python long_with_deadline.py photo.jpg starry-night.jpg painting.png --seconds 600
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bruno import Accepted, Bruno, Painting, Progress
from bruno.options import Request
from bruno.painting import format_of


def paint_until(photo: Path, style: Path, painting: Path, options: Request) -> None:
    """Paints into the file `painting`, and tells in one changing line how far it is."""
    with Bruno().stream(photo, style, **options) as events:
        for event in events:
            if isinstance(event, Accepted):
                print(f"{event.width} x {event.height} px on {len(event.levels)} levels")
            elif isinstance(event, Progress):
                where = f"level {event.level} of {event.levels}, step {event.step}"
                print(f"\r{event.seconds:6.1f} s, {where}", end="", flush=True)
            elif isinstance(event, Painting):
                record = event.record
                print(f"\nstopped by {record['stopped']} after {record['steps']} steps")
                event.save(painting)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("style", type=Path)
    parser.add_argument("painting", type=Path)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--steps", type=int, default=400)
    asked = parser.parse_args()
    options: Request = {
        "size": asked.size,
        "steps": asked.steps,
        "max_seconds": asked.seconds,
        "preview_every": 0,
        "format": format_of(asked.painting),
    }
    paint_until(asked.photo, asked.style, asked.painting, options)


if __name__ == "__main__":
    main()
