"""Pack handler/, the model's configuration and the weights into bruno.mar (`make archive`)."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from painter.network.weights import WeightsError, load_checkpoint

ROOT = Path(__file__).resolve().parent.parent
HANDLER = ROOT / "handler"
MODEL_CONFIG = ROOT / "config" / "model-config.yaml"
WEIGHTS = ROOT / "model_store" / "vgg19.safetensors"
ARCHIVE = ROOT / "model_store" / "bruno.mar"
_ARCHIVER = "from model_archiver.model_packaging import generate_model_archive as run; run()"


def build_archive(archive: Path, handler: Path = HANDLER, weights: Path = WEIGHTS) -> None:
    """Write `archive` whole or not at all.

    Raises WeightsError for weights that are missing or altered, and CalledProcessError where
    the archiver fails.
    """
    load_checkpoint(weights)
    with tempfile.TemporaryDirectory(prefix="bruno-archive-") as folder:
        staged, built, scratch = (Path(folder) / name for name in ("staged", "built", "scratch"))
        built.mkdir()
        scratch.mkdir()
        _stage(staged, handler, weights)
        # The archiver deletes a folder of the archive's name in TMPDIR, hence one of our own.
        environment = {**os.environ, "TMPDIR": str(scratch)}
        command = _archiver_command(archive.stem, handler / "bruno_handler.py", staged, built)
        subprocess.run(command, env=environment, check=True)  # noqa: S603
        partial = archive.with_suffix(".partial")
        shutil.move(built / f"{archive.stem}.mar", partial)
        partial.replace(archive)


def _stage(staged: Path, handler: Path, weights: Path) -> None:
    """Lay out the archive: the archiver flattens this folder and keeps its sub-folders."""
    leave_out = shutil.ignore_patterns("__pycache__", "*.egg-info", "bruno_handler.py")
    shutil.copytree(handler, staged, ignore=leave_out)
    shutil.copyfile(weights, staged / WEIGHTS.name)


def _archiver_command(name: str, handler: Path, staged: Path, built: Path) -> list[str]:
    """The archiver's command line; stored, not deflated, because it is unpacked at each start.

    Its program is left out, which a wheel that is only unpacked does not have.
    """
    paths = {
        "--handler": handler,
        "--extra-files": staged,
        "--config-file": MODEL_CONFIG,
        "--export-path": built,
    }
    options = [text for option, path in paths.items() for text in (option, str(path))]
    fixed = ["--model-name", name, "--version", "1.0", "--archive-format", "zip-store"]
    return [sys.executable, "-c", _ARCHIVER, *fixed, *options]


def main() -> int:
    """Run from the command line; 2 with one sentence where the weights cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path, default=ARCHIVE, help="the file to write")
    asked = parser.parse_args()
    try:
        build_archive(asked.archive)
    except WeightsError as error:
        print(f"make archive: {error}", file=sys.stderr)
        return 2
    print(f"archive: {asked.archive}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
