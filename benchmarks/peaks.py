"""Line 6: the peak of memory that a painting adds to an idle painter, in a process of its own.

python benchmarks/peaks.py 1024 CONTENT.png STYLE.png      bytes, as JSON (Linux)
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from painter.engine.painter import Painter
from painter.options.reading import read_options
from painter.options.request import Request
from pairs import ROOT, Scene


class PeakError(Exception):
    """A peak that could not be measured; the message is one sentence."""


def measure_peak(scene: Scene, limit: float) -> dict[str, Any]:
    """Bytes of the idle painter and of the peak beyond it, and the painting's pixels.

    Raises PeakError where it takes longer than `limit` seconds or fails.
    """
    command = [sys.executable, str(Path(__file__).resolve())]
    asked = [str(scene.size), str(scene.content), str(scene.style)]
    try:
        run = subprocess.run(  # noqa: S603
            [*command, *asked], capture_output=True, text=True, check=True, timeout=limit
        )
    except subprocess.TimeoutExpired as error:
        raise PeakError(f"memory at {scene.size} px: not done within {limit:.0f} s") from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or [f"exit code {error.returncode}"])[-1]
        raise PeakError(f"memory at {scene.size} px: {last}") from error
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def main() -> None:
    """Paint as few steps as there are levels: each level's last evaluation costs as its first."""
    size, content, style = sys.argv[1:]
    painter = Painter(ROOT / "model_store" / "vgg19.safetensors")
    painter.warm_up()
    options = read_options({"size": size, "steps": "1"})
    request = Request(options, Path(content).read_bytes(), (Path(style).read_bytes(),))
    idle = psutil.Process().memory_info().rss
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak of loading
    job = painter.begin(request)
    job.run()
    job.result()
    height, width = job.plan.shape
    print(json.dumps({"idle": idle, "peak": _peak() - idle, "pixels": width * height}))


def _peak() -> int:
    """The most bytes this process has held at once."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
