"""Serves the studio: on loopback unless told otherwise, and with nothing from the internet."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import gradio as gr
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bruno.client import Bruno
from bruno.errors import InvalidInputError
from bruno.studio.assets import text_of
from bruno.studio.page import make_page

_VISITORS_MOST: Final = 200
_THREADS: Final = 100
_UPLOAD: Final = "48mb"
# Gradio builds its templates with eval and styles with inline CSS; nothing else is let in.
_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:; frame-ancestors 'none'"
)


class Policy:
    """Tells the browser to load nothing from anywhere but the studio."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the policy to every answer."""

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"content-security-policy", _POLICY.encode()))
            await send(message)

        await self._app(scope, receive, with_policy)


@contextmanager
def serve(client: Bruno, host: str, port: int) -> Iterator[str]:
    """Serves the studio in the background while the `with` lasts, and yields its address.

    Raises InvalidInputError where nothing can listen on the host and port. What people upload lies
    in a folder of its own that is gone afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="bruno-studio-") as folder:
        os.environ |= {"GRADIO_TEMP_DIR": folder, "GRADIO_ANALYTICS_ENABLED": "False"}
        page = make_page(client)
        try:
            _, address, _ = page.launch(server_name=host, server_port=port, **_launch_settings())
        except OSError:
            problem = f"nothing can listen on {host}:{port}: choose another --port"
            raise InvalidInputError(problem) from None
        try:
            yield address
        finally:
            page.close(verbose=False)


def _launch_settings() -> dict[str, Any]:
    return {
        "prevent_thread_lock": True,
        "quiet": True,
        "max_threads": _THREADS,
        "share": False,
        "ssr_mode": False,
        "enable_monitoring": False,
        "footer_links": [],
        "pwa": False,
        "mcp_server": False,
        "run_history": False,
        "max_file_size": _UPLOAD,
        "state_session_capacity": _VISITORS_MOST,
        "app_kwargs": {"middleware": [Middleware(Policy)], "docs_url": None, "redoc_url": None},
        "theme": _theme(),
        "css": text_of("studio.css"),
    }


def _theme() -> gr.themes.Base:
    # Of the fonts that come with Gradio several lack Latin letters; this one has them.
    sans: list[gr.themes.Font | str] = [
        gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)),
        "system-ui",
        "sans-serif",
    ]
    return gr.themes.Base(font=sans, font_mono=["ui-monospace", "monospace"])
