"""A scripted server: it speaks like Bruno unless the test gives it other lines."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image, PngImagePlugin

SIZE = (64, 48)
STEPS = 100


def picture(color: str = "teal", format: str = "PNG", **how: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", SIZE, color).save(file, format, **how)
    return file.getvalue()


def event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass
class Received:
    """One request as it arrived."""

    headers: dict[str, str]
    fields: dict[str, bytes]

    @property
    def content_type(self) -> str:
        """What the body is, which no decoder on the way is told."""
        assert self.headers["Content-Type"] == "application/octet-stream"
        return self.headers["X-Bruno-Content-Type"]

    @property
    def options(self) -> dict[str, Any]:
        texts = {name: value for name, value in self.fields.items() if b"\x00" not in value}
        return {name: _value(text.decode("utf-8", "replace")) for name, text in texts.items()}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def accepted(received: Received) -> bytes:
    return event(
        "accepted",
        {
            "request_id": "r1",
            "options": received.options,
            "seed": received.options.get("seed", 0),
            "width": SIZE[0],
            "height": SIZE[1],
            "levels": [{"width": 64, "height": 48, "steps": STEPS}],
            "adjusted": [],
            "resumed": received.options.get("resume"),
            "a_member_of_the_future": 1,
        },
    )


def progress(step: int, steps: int = STEPS, level: int = 1) -> bytes:
    losses = {"content_loss": 0.1, "style_loss": 0.2, "tv_loss": 0.0}
    losses["total_loss"] = 1 - step / STEPS
    layers = {"content": {"conv4_2": 0.1}, "style": {"conv1_1": 0.2}}
    return event(
        "progress",
        {"step": step, "steps": steps, "level": level, "levels": level, "width": 64, "height": 48}
        | losses
        | {"layers": layers, "seconds": step / 10, "eta": (STEPS - step) / 10},
    )


def preview(step: int, level: int = 1) -> bytes:
    image = base64_text(picture("navy", "JPEG"))
    place = {"level": level, "step": step, "width": 64, "height": 48}
    return event("preview", place | {"media_type": "image/jpeg", "image": image})


DEFAULTS = {"alpha": 1.0, "beta": 20.0, "content_layers": {"conv4_2": 1.0}, "seed": 0}
PRESETS = {"fine": {"beta": 80.0}}
NO_OPTIONS = ("content", "style", "mask", "canvas", "palette", "resume", "stream")


def digest(data: bytes | None) -> str | None:
    return hashlib.sha256(data).hexdigest() if data is not None else None


def record_of(received: Received) -> dict[str, Any]:
    fields = received.fields
    options = {
        name: value for name, value in received.options.items() if not name.startswith(NO_OPTIONS)
    }
    options |= {name: received.options[name] for name in DEFAULTS if name in received.options}
    styles = [name for name in sorted(fields) if re.fullmatch(r"style(_\d)?", name)]
    return {
        "software": "bruno 0.1.0",
        "options": DEFAULTS | PRESETS.get(str(options.get("preset")), {}) | options,
        "seed": options.get("seed", 0),
        "width": SIZE[0],
        "height": SIZE[1],
        "resumed": received.options.get("resume"),
        "incomplete": None,
        "stopped": "steps",
        "digests": {
            "content": digest(fields.get("content")),
            "styles": [digest(fields[name]) for name in styles],
            "masks": {name: digest(data) for name, data in fields.items() if "mask" in name},
            "canvas": digest(fields.get("canvas")),
            "palette": digest(fields.get("palette")),
        },
        "weights": "w" * 64,
        "steps": STEPS,
        "seconds": 10.0,
    }


def painting(received: Received, **more: Any) -> bytes:
    record = record_of(received) | more
    notes = PngImagePlugin.PngInfo()
    notes.add_itxt("bruno", json.dumps(record))
    data = base64_text(picture("gold", pnginfo=notes))
    size = {"width": SIZE[0], "height": SIZE[1], "media_type": "image/png"}
    return event("painting", size | {"image": data, "record": record})


def problem(status: int, code: str, detail: str, **more: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": code, "status": status, "detail": detail} | {
        "code": code,
        "field": None,
        "request_id": "r1",
        **more,
    }


DESCRIPTION = {
    "name": "bruno",
    "version": "0.1.0",
    "health": "ready",
    "device": "cpu",
    "running": 0,
    "waiting": 0,
    "options": [
        {"name": name, "default": default, "allowed": "from 0 to 1,000,000", "help": "Weight."}
        for name, default in (DEFAULTS | {"preset": "bruno"}).items()
    ],
    "presets": {"bruno": {}} | PRESETS,
    "limits": {"styles": 8},
    "weights": {"sha256": "v" * 64},
}


class Reply(BaseHTTPRequestHandler):
    """What a script may do with one request."""

    protocol_version = "HTTP/1.1"
    server: Scripted

    def do_POST(self) -> None:
        self.received = self._receive()
        self.server.requests.append(self.received)
        script = self.server.script.pop(0) if self.server.script else paint
        script(self)

    def do_GET(self) -> None:
        self.server.fetched.append(self.path)
        if self.path in self.server.paths:
            self.server.paths[self.path](self)
        elif self.path.startswith("/picture.png"):
            self.whole(200, "image/png", picture())
        elif self.path == "/text":
            self.whole(200, "text/plain", b"no picture at all")
        else:
            self.whole(404, "text/plain", b"no such picture")

    def start(self, status: int = 200, media_type: str = "text/event-stream") -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def say(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def whole(self, status: int, media_type: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.close_connection = True

    def wait_for_the_client_to_leave(self) -> None:
        self.connection.settimeout(60)
        if self.connection.recv(1) == b"":
            self.server.left.set()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None: ...

    def _receive(self) -> Received:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        boundary = re.search("boundary=(.+)", self.headers["X-Bruno-Content-Type"])
        parts = body.split(b"--" + boundary[1].encode())[1:-1] if boundary else []
        fields = {}
        for part in parts:
            head, _, data = part.partition(b"\r\n\r\n")
            name = re.search(rb'name="([^"]+)"', head)
            assert name
            fields[name[1].decode()] = data[:-2]
        return Received(dict(self.headers), fields)


def paint(reply: Reply) -> None:
    """The happy path, and what the real server does with describe and a negative alpha."""
    if reply.received.content_type == "application/json":
        reply.whole(200, "application/json", json.dumps(DESCRIPTION).encode())
    elif reply.received.options.get("alpha", 0) < 0:
        refused = problem(422, "option_out_of_range", "alpha must be …, got -1", field="alpha")
        reply.whole(422, "application/problem+json", json.dumps(refused).encode())
    else:
        reply.start()
        reply.say(event("waiting", {"position": 1}) + accepted(reply.received))
        for step in (25, 50, 75, 100):
            reply.say(progress(step) + preview(step))
        reply.say(painting(reply.received))
        reply.end()


def refuse(reply: Reply) -> None:
    """Refuses the token as TorchServe does: with 400."""
    said = {"code": 400, "type": "InvalidKeyException", "message": "Token Authorization failed."}
    reply.whole(400, "application/json", json.dumps(said).encode())


class Scripted(ThreadingHTTPServer):
    """The server; `script` holds the replies to come, `requests` what has arrived."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Reply)
        self.script: list[Callable[[Reply], None]] = []
        self.requests: list[Received] = []
        self.fetched: list[str] = []
        self.paths: dict[str, Callable[[Reply], None]] = {}
        self.begun, self.left = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is no error here."""
        if isinstance(sys.exception(), ConnectionError):
            self.left.set()
