"""Containers of an image that was built, as any platform would start them."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from image import build


class Container:
    """A container of the image; buildah's has the host's network, as the others are given it."""

    def __init__(self, image: str, folder: Path, **settings: str) -> None:
        self.builder = build.find_builder(os.environ) or "buildah"
        options = [word for pair in settings.items() for word in ("--env", "=".join(pair))]
        if self.builder == "buildah":
            told = subprocess.check_output([self.builder, "from", image], text=True)
            self.name = told.strip()
            self._run = [self.builder, "run", "--volume", f"{folder}:/tmp", *options, self.name]
            command = [*self._run, "--", "tini", "--", "python", "config/serve.py"]
        else:
            self.name = f"bruno-test-{os.getpid()}"
            limits = ["--read-only", "--tmpfs", "/tmp", "--shm-size", "1g"]  # noqa: S108
            limits += ["--cap-drop", "all", "--security-opt", "no-new-privileges"]
            # Podman's read-only root has more places to write to, unless it is told to have none.
            limits += ["--read-only-tmpfs=false"] if self.builder == "podman" else []
            place = ["--network", "host", "--name", self.name]
            self._run = [self.builder, "exec", self.name]
            command = [self.builder, "run", "--rm", *place, *limits, *options, image]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What a command says inside."""
        separator = ["--"] if self.builder == "buildah" else []
        command = [*self._run, *separator, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def remove(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=100)
        if self.builder == "buildah":
            subprocess.run([self.builder, "rm", self.name], check=True, capture_output=True)
