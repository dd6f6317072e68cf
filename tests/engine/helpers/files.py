"""Picture files of every kind, for the tests of reading and writing."""

from __future__ import annotations

import io
import struct
import zlib

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

SHADES = 40 / 255, 200 / 255, 120 / 255


def save(image, format, **how) -> bytes:
    """A Pillow image as a file."""
    data = io.BytesIO()
    image.save(data, format, **how)
    return data.getvalue()


def tiff(samples, **how) -> bytes:
    """An array as a TIFF."""
    data = io.BytesIO()
    tifffile.imwrite(data, samples, **how)
    return data.getvalue()


def png16(samples, *chunks) -> bytes:
    """An array of 16 bits as a PNG, with chunks (kind, body) put in."""
    plain = bytes(imagecodecs.png_encode(np.ascontiguousarray(samples, dtype=np.uint16)))
    return with_chunks(plain, *chunks)


def with_chunks(plain, *chunks) -> bytes:
    """A PNG with chunks (kind, body) put in behind its header."""
    added = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return plain[:33] + added + plain[33:]


def chunks_of(data) -> dict[bytes, bytes]:
    """The chunks of a PNG by kind; the last one counts."""
    found, at = {}, 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        found[data[at + 4 : at + 8]] = data[at + 8 : at + 8 + length]
        at += 12 + length
    return found


def quarters(height=32, width=48, depth=np.uint8):
    """Four quarters [H, W, 3] that tell every orientation apart: black, red, green, blue."""
    samples = np.zeros((height, width, 3), dtype=depth)
    most = np.iinfo(depth).max
    samples[: height // 2, width // 2 :, 0] = most
    samples[height // 2 :, : width // 2, 1] = most
    samples[height // 2 :, width // 2 :, 2] = most
    return samples


def ramp(height=32, width=2048):
    """Gray [H, W] of 16 bits in 2048 equal steps from black to white."""
    return np.tile(np.linspace(0, 65535, width).round().astype(np.uint16), (height, 1))


def flat(mode, color, size=(32, 24)):
    """A Pillow image of one color."""
    return Image.new(mode, size, color)


def profile(kind, gamma) -> bytes:
    """An ICC profile `gray` or `rgb` with sRGB's primaries and another gamma."""
    if kind == "gray":
        return imagecodecs.cms_profile(kind, gamma=gamma)
    red, green, blue = (0.64, 0.33, 1), (0.3, 0.6, 1), (0.15, 0.06, 1)
    return imagecodecs.cms_profile(
        kind, gamma=gamma, primaries=[*red, *green, *blue], whitepoint=(0.3127, 0.329, 1)
    )


def srgb_of(value, gamma):
    """What sRGB calls a value of a profile of `gamma`."""
    linear = value**gamma
    return 1.055 * linear ** (1 / 2.4) - 0.055
