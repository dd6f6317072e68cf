"""Tell whether this container's server has started, is ready to paint, or is alive.

Exit code 0 says yes, 1 no. Health checks of containers and Kubernetes' probes run it; it needs
nothing but the standard library, and is done within a tenth of a second where the server answers.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ANSWER_SECONDS = 5.0
PAINTS = ("ready", "busy", "full")
# What each question takes for a yes: a server that drains or warms up is alive, and not ready.
YES = {
    "started": PAINTS,
    "ready": PAINTS,
    "alive": (*PAINTS, "warming", "draining"),
}


def state(environment: dict[str, str]) -> str:
    """One word, as `bruno health` has it; `silent` where nothing answers."""
    url = f"http://127.0.0.1:{environment.get('PORT') or 8080}"
    if environment.get("SERVER") == "asgi":
        return _word(_ask(f"{url}/health"))
    token = _token()
    if token is None:
        return "silent"
    told = _word(_ask(f"{url}/predictions/bruno", token, b'{"describe": true}'))
    if told != "silent":
        return told
    # A worker that starts anew, or is held up, does not describe itself; TorchServe gives it up.
    status, _ = _ask(f"{url}/ping", token)
    return "warming" if status == 200 else "broken" if status else "silent"


def _token() -> str | None:
    """The inference key of the server that was started last."""
    files = Path(tempfile.gettempdir()).glob("bruno-*/key_file.json")
    try:
        newest = max(files, key=lambda path: path.stat().st_mtime)
        return str(json.loads(newest.read_text())["inference"]["key"])
    except (OSError, ValueError, KeyError):
        return None


def _word(answer: tuple[int, Any]) -> str:
    _, told = answer
    return str(told["health"]) if isinstance(told, dict) and "health" in told else "silent"


def _ask(url: str, token: str = "", body: bytes | None = None) -> tuple[int, Any]:
    """The status and the JSON of an answer; (0, None) for silence, None for what is no JSON."""
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, body, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
            status, said = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, said = error.code, error.read()
    except OSError:
        return 0, None
    try:
        return status, json.loads(said)
    except ValueError:
        return status, None


def main() -> int:
    """Run from the command line, with the question."""
    if len(sys.argv) != 2 or sys.argv[1] not in YES:
        print(f"probe.py: ask for one of {', '.join(YES)}", file=sys.stderr)
        return 2
    found = state(dict(os.environ))
    print(found)
    return 0 if found in YES[sys.argv[1]] else 1


if __name__ == "__main__":
    sys.exit(main())
