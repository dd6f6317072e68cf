"""Build the image with whatever builder is here, and lay its bill of materials beside it.

`make image` runs it. BUILDER names docker, podman or buildah where several are here, IMAGE what
is made; BASE_IMAGE, TORCH_INDEX, WEIGHTS and WEIGHTS_INPUT go to the Dockerfile, and what else is
said goes to the builder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILDERS = ("docker", "podman", "buildah")
ARGUMENTS = ("BASE_IMAGE", "TORCH_INDEX", "WEIGHTS", "WEIGHTS_INPUT")
BILL = ROOT / "bruno.cdx.json"


def find_builder(environment: Mapping[str, str]) -> str | None:
    """The builder that was named, or the first that is here and can build; None without any."""
    named = environment.get("BUILDER")
    if named:
        return named
    return next((name for name in BUILDERS if shutil.which(name) and _works(name)), None)


def _works(builder: str) -> bool:
    """Whether it could build: docker's client alone cannot."""
    done = subprocess.run([builder, "info"], capture_output=True, check=False)  # noqa: S603
    return done.returncode == 0


def build_command(builder: str, image: str, environment: Mapping[str, str]) -> list[str]:
    """The words that build the image; only Docker's format has a health check."""
    given = {name: environment[name] for name in ARGUMENTS if environment.get(name)}
    arguments = [word for pair in given.items() for word in ("--build-arg", "=".join(pair))]
    kind = [] if builder == "docker" else ["--format", "docker"]
    return [builder, "build", *kind, *arguments, "--tag", image]


def read_file(builder: str, image: str, name: str) -> bytes:
    """A file of the image's working directory."""
    if builder != "buildah":
        run = [builder, "run", "--rm", "--entrypoint", "cat", image, name]
        return subprocess.check_output(run)  # noqa: S603
    container = subprocess.check_output([builder, "from", image], text=True).strip()  # noqa: S603
    try:
        return subprocess.check_output([builder, "run", container, "--", "cat", name])  # noqa: S603
    finally:
        subprocess.run([builder, "rm", container], check=True, capture_output=True)  # noqa: S603


def main() -> int:
    """Run from the command line; one sentence where nothing can build, or run what was built."""
    builder, image = find_builder(os.environ), os.environ.get("IMAGE") or "bruno"
    if builder is None:
        print(f"make image: none of {', '.join(BUILDERS)} can build here.", file=sys.stderr)
        return 2
    command = [*build_command(builder, image, os.environ), *sys.argv[1:], "."]
    built = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603
    if built.returncode:
        return built.returncode
    try:
        BILL.write_bytes(read_file(builder, image, "sbom.cdx.json"))
    except subprocess.CalledProcessError:
        why = f"{image} was built, but {builder} cannot run it here to read what is in it"
        print(f"make image: {why}.", file=sys.stderr)
        return 1
    print(f"{image} was built by {builder}; {BILL.name} tells what is in it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
