"""Where a request comes from: the trace that it belongs to, and its name at a proxy before us."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# W3C Trace Context, level 1; neither identifier may be all zeros.
_TRACEPARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
_NAME: Final = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a request's headers tell of its way here; None where they say nothing, or nonsense."""

    traceparent: str | None = None
    upstream_id: str | None = None


NOWHERE: Final = Origin()


def origin_of(headers: Mapping[str, str]) -> Origin:
    """The origin that headers tell, whose names are in lower case."""
    traceparent, name = headers.get("traceparent", ""), headers.get("x-request-id", "")
    return Origin(
        traceparent if _TRACEPARENT.fullmatch(traceparent) else None,
        name if _NAME.fullmatch(name) else None,
    )
