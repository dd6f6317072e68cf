"""The ASGI server's process: what it is made of, the archive included, and its token."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

from settings import Settings

PROGRAM = Path(__file__).resolve().parent / "run_asgi.py"


def asgi_command(folder: Path, settings: Settings, archive: Path) -> list[str]:
    """Unpack the archive into a server's folder; the command that serves what was in it."""
    model = folder / "model"
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(model)
    asked = {
        "--host": settings.bind,
        "--port": str(settings.port),
        "--model": str(model),
        "--drain": str(settings.drain_seconds),
    }
    return [sys.executable, str(PROGRAM), *(word for pair in asked.items() for word in pair)]


def asgi_environment(folder: Path, common: dict[str, str]) -> dict[str, str]:
    """The environment of the server: the modules of its archive, and the token in its key file."""
    keys = json.loads((folder / "key_file.json").read_text())
    return {**common, "BRUNO_TOKEN": keys["inference"]["key"], "PYTHONPATH": str(folder / "model")}


def write_key_file(folder: Path, token: str) -> None:
    """Tell the token as TorchServe tells its own, to the server's user alone."""
    key_file = folder / "key_file.json"
    key_file.touch(mode=0o600)
    key_file.write_text(json.dumps({"inference": {"key": token}}))
