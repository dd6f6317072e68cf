"""The visitors by a key that their browser keeps: a page that is loaded again finds its tries."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from typing import Final

from bruno.studio.session import Session

VISITORS_MOST: Final = 200
VISITORS_BYTES: Final = 2**30


class Visitors:
    """Sessions by key; whoever was away longest is forgotten first where they hold too much."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def arrive(self, key: object, session: Session) -> tuple[str, Session]:
        """The key and session of a visitor; a new key for `session` where the key is not known."""
        with self._lock:
            known = isinstance(key, str) and key in self._sessions
            name = str(key) if known else secrets.token_urlsafe(16)
            self._sessions.setdefault(name, session)
            self._sessions.move_to_end(name)
            self._forget()
            return name, self._sessions[name]

    def _forget(self) -> None:
        while len(self._sessions) > 1 and self._hold_too_much():
            self._sessions.popitem(last=False)

    def _hold_too_much(self) -> bool:
        held = sum(session.size for session in self._sessions.values())
        return len(self._sessions) > VISITORS_MOST or held > VISITORS_BYTES
