"""Keys of the gateway's clients: `python config/keys.py FILE NAME` adds one, and prints it once.

A line of the file is the SHA-256 of a key and the name of the client who has it, so that the file
tells nobody a key. Without its line a key is no longer one, after the next reload.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import secrets
import sys
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def add_key(path: Path, name: str) -> str:
    """A new key for a client, whose line is added to the file; a client may have several.

    Raises ValueError for a name that is not 1 to 64 letters, digits or ._-.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"a name must be 1 to 64 letters, digits or ._-, not {name!r}")
    key = secrets.token_urlsafe(32)
    path.touch(mode=0o600)
    with path.open("a") as file:
        file.write(f"{hashlib.sha256(key.encode()).hexdigest()} {name}\n")
    return key


def main() -> int:
    """Run from the command line; 2 with one sentence for a name that cannot be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("name", help="who has it; limits and logs go by it")
    asked = parser.parse_args()
    try:
        print(add_key(asked.file, asked.name))
    except ValueError as error:
        print(f"keys: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
