"""Pictures behind addresses."""

from __future__ import annotations

from typing import Final

import requests

from bruno.errors import InvalidInputError
from bruno.network import NOT_SENT, PIECE_BYTES, USER_AGENT, reason_of

DOWNLOAD_BYTES: Final = 48 * 2**20


def download(field: str, url: str, timeout: tuple[float, float]) -> bytes:
    """What lies behind an http(s) URL; raises InvalidInputError that names the field."""
    try:
        headers = {"User-Agent": USER_AGENT}
        with requests.get(url, headers=headers, timeout=timeout, stream=True) as answer:
            answer.raise_for_status()
            data = bytearray()
            for piece in answer.iter_content(PIECE_BYTES):
                data += piece
                if len(data) > DOWNLOAD_BYTES:
                    raise InvalidInputError(
                        f"{field}: {url} must be at most {DOWNLOAD_BYTES} bytes, got more"
                    )
            return bytes(data)
    except requests.HTTPError as error:
        raise InvalidInputError(f"{field}: {url} answered {error.response.status_code}") from None
    except NOT_SENT as error:
        raise InvalidInputError(f"{field}: {url} cannot be fetched: {reason_of(error)}") from None
