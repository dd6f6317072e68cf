"""A server behind the gateway, as `make serve` and `make gateway` run them."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from reliability.served import ARCHIVE, ROOT, Served, announced, free_port, serving

# One client sends all that many would.
LIMITS = {"BRUNO_GATEWAY_PER_MINUTE": "1000000", "BRUNO_GATEWAY_AT_ONCE": "1000"}


@contextmanager
def serving_behind_gateway(kind: str, archive: Path = ARCHIVE) -> Iterator[Served]:
    """As `serving`; the address and the key are those of the gateway."""
    token = {"BRUNO_TOKEN": secrets.token_urlsafe(32)}
    with serving(kind, archive, token) as served, _gateway(served) as (url, key_file):
        yield replace(served, url=url, key_file=key_file)


@contextmanager
def _gateway(served: Served) -> Iterator[tuple[str, str]]:
    own = {"SERVERS": urlsplit(served.url).netloc, "BRUNO_TOKEN": served.key}
    environment = {**os.environ, **LIMITS, **own, "PORT": str(free_port())}
    command = [sys.executable, str(ROOT / "config" / "fleet.py")]
    with tempfile.NamedTemporaryFile("w") as printed, tempfile.NamedTemporaryFile("w") as keys:
        process = subprocess.Popen(  # noqa: S603
            command, env=environment, stdout=printed, stderr=subprocess.STDOUT
        )
        try:
            words = r"BRUNO_URL=(\S+) BRUNO_TOKEN=(\S+)"
            url, key = announced(process, Path(printed.name), words)
            json.dump({"inference": {"key": key}}, keys)
            keys.flush()
            yield url, keys.name
        finally:
            process.terminate()
            process.wait(60)
