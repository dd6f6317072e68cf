"""Write the image's locks, with a hash for every file of every version (`make lock`)."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

CONFIG = Path(__file__).resolve().parents[1]
REQUIREMENTS = ("requirements.txt", "requirements-tracing.txt")
# What another index has other wheels of: the Dockerfile installs it by itself.
TORCH = re.compile(r"(?:torch|torchvision|triton)==|nvidia-|cuda-")
BLOCK = re.compile(r"^[a-z][^\n]*\\\n(?:    --hash[^\n]*\n)+", re.MULTILINE)
TITLES = {
    "requirements.lock": "All that the image has but torch, with hashes",
    "requirements-torch.lock": "Torch as the package index has it, with CUDA, with hashes",
}


def split(locked: str) -> dict[str, str]:
    """Both locks by their files' names, of what pip-compile has written."""
    blocks = BLOCK.findall(locked)
    of_torch = [block for block in blocks if TORCH.match(block)]
    parts = {
        "requirements.lock": [block for block in blocks if block not in of_torch],
        "requirements-torch.lock": of_torch,
    }
    return {
        name: f"# {TITLES[name]}: `make lock` writes it anew.\n{''.join(part)}"
        for name, part in parts.items()
    }


def main() -> int:
    """Run from the command line."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "lock.txt"
        plain = ("--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links")
        words = ["--quiet", "--generate-hashes", "--allow-unsafe", "--strip-extras", *plain]
        asked = [str(CONFIG / name) for name in REQUIREMENTS]
        command = [sys.executable, "-m", "piptools", "compile", *words, "-o", str(output), *asked]
        subprocess.run(command, check=True)  # noqa: S603
        for name, text in split(output.read_text()).items():
            (CONFIG / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
