"""Programs of others that tests run; CI sets BRUNO_REQUIRE_PROGRAMS, and has to have them all."""

from __future__ import annotations

import os
import shutil

import pytest

REQUIRED = os.environ.get("BRUNO_REQUIRE_PROGRAMS") == "1"


def needs(*names: str) -> pytest.MarkDecorator:
    """Skips a test where a program is missing, unless all have to be there."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    missing = [name for name in names if shutil.which(name, path=path) is None]
    return pytest.mark.skipif(
        bool(missing) and not REQUIRED, reason=f"not installed: {', '.join(missing)}"
    )
