"""The process of the ASGI server: the application on uvicorn, until a signal comes."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from bruno_service.asgi import Application
from bruno_service.process import serve_archive
from bruno_service.service import Service

# An answer has so long to go out once its painting was stopped.
FLUSH_SECONDS = 5


class Server(uvicorn.Server):
    """Uvicorn, which drains its application before it stops; a second signal hurries it."""

    def __init__(self, config: uvicorn.Config, application: Application, seconds: float) -> None:
        super().__init__(config)
        self._application = application
        self._seconds = seconds
        self._draining: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drains at the first signal, and stops then."""
        if self.started and self._draining is None:
            loop = asyncio.get_running_loop()
            self._draining = loop.create_task(self._application.drain(self._seconds))
            self._draining.add_done_callback(lambda _: super(Server, self).handle_exit(sig, frame))
            loop.call_soon_threadsafe(lambda: None)  # wakes the loop, which may be waiting
        else:
            super().handle_exit(sig, frame)


def make_warm_service(model: Path) -> Service:
    """A service that is warm; where it cannot be made the process ends, since nothing else can."""
    try:
        return serve_archive(model)
    except Exception:
        logging.exception("the painter cannot be made")
        os._exit(1)


def main() -> int:
    """Run from the command line, with the token in BRUNO_TOKEN."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--model", required=True, type=Path, help="the unpacked archive")
    parser.add_argument("--drain", required=True, type=float, metavar="SECONDS")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    application = Application(lambda: make_warm_service(asked.model), os.environ["BRUNO_TOKEN"])
    config = uvicorn.Config(
        application,
        host=asked.host,
        port=asked.port,
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=FLUSH_SECONDS,
    )
    # Uvicorn raises the signal that it was stopped by once more, and that is no failure.
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: None)
    Server(config, application, asked.drain).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
