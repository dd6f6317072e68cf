"""A web page on which a painting forms: every event of the SDK becomes one for the browser.

    python progress_page.py photo.jpg starry-night.jpg

Opening the page begins a painting, closing it cancels the painting.
"""

from __future__ import annotations

import argparse
import base64
import json
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bruno import Bruno, BrunoError, Event, Painting, Preview, Progress
from bruno.options import Request

PAGE = Path(__file__).with_suffix(".html")


class Visit(BaseHTTPRequestHandler):
    """One request of a browser: for the page, or for the events of a painting."""

    def __init__(self, photo: Path, style: Path, options: Request, *connection: Any) -> None:
        self.photo, self.style, self.options = photo, style, options
        super().__init__(*connection)

    def do_GET(self) -> None:
        """Answers with the page or the events."""
        if self.path == "/":
            self._begin("text/html; charset=utf-8")
            self.wfile.write(PAGE.read_bytes())
        elif self.path == "/events":
            self._begin("text/event-stream")
            self._paint()
        else:
            self.send_error(404)

    def _begin(self, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

    def _paint(self) -> None:
        try:
            with Bruno().stream(self.photo, self.style, **self.options) as events:
                for event in events:
                    self._tell(event)
        except BrunoError as problem:
            self._send("problem", str(problem))
        except ConnectionError:
            self.log_message("the page was closed, the painting is canceled")

    def _tell(self, event: Event) -> None:
        """What a progress callback would do: shows each event in its way."""
        if isinstance(event, Progress):
            left = "" if event.eta is None else f", {event.eta:.0f} s left"
            text = f"step {event.step} of {event.steps or 'as many as it takes'}{left}"
            self._send("progress", {"share": event.share, "text": text})
        elif isinstance(event, Preview | Painting):
            picture = base64.b64encode(event.data).decode()
            name = "painting" if isinstance(event, Painting) else "preview"
            self._send(name, f"data:{event.media_type};base64,{picture}")

    def _send(self, name: str, data: object) -> None:
        self.wfile.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())


def main() -> None:
    """Run from the command line, until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("style", type=Path)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--size", type=int)
    parser.add_argument("--steps", type=int)
    asked = parser.parse_args()
    options: Request = {"size": asked.size, "steps": asked.steps, "preview_every": 0.5}
    visit = partial(Visit, asked.photo, asked.style, options)
    with ThreadingHTTPServer(("127.0.0.1", asked.port), visit) as server:
        print(f"Open http://127.0.0.1:{server.server_port}/", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("stopping")


if __name__ == "__main__":
    main()
