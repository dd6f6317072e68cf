"""Pictures of every mode come in upright, in sRGB, and as deep as they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from files import SHADES, flat, png16, profile, quarters, ramp, save, srgb_of, tiff
from painter.pictures.picture import Picture, decode, decode_mask, resize, resize_picture

T = Image.Transpose
STORED = {
    1: None,
    2: T.FLIP_LEFT_RIGHT,
    3: T.ROTATE_180,
    4: T.FLIP_TOP_BOTTOM,
    5: T.TRANSPOSE,
    6: T.ROTATE_90,
    7: T.TRANSVERSE,
    8: T.ROTATE_270,
}


def _stored(orientation):
    """The quarters as a camera held in this way would store them."""
    image = Image.fromarray(quarters())
    return image if orientation == 1 else image.transpose(STORED[orientation])


def _exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _deep(orientation):
    return np.asarray(_stored(orientation)).astype(np.uint16) * 257


ORIENTED = {
    "jpeg": lambda o: save(_stored(o), "jpeg", exif=_exif(o), quality=95, subsampling=0),
    "png": lambda o: save(_stored(o), "png", exif=_exif(o)),
    "webp": lambda o: save(_stored(o), "webp", exif=_exif(o), lossless=True),
    "tiff": lambda o: save(_stored(o), "tiff", exif=_exif(o)),
    "tiff-lzw": lambda o: save(_stored(o), "tiff", exif=_exif(o), compression="tiff_lzw"),
    "png16": lambda o: png16(_deep(o), (b"eXIf", _exif(o).tobytes()[6:])),
    "tiff16": lambda o: tiff(_deep(o), photometric="rgb", extratags=[(274, 3, 1, o, True)]),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("make", ORIENTED.values(), ids=ORIENTED.keys())
def test_orientation_is_applied(make, orientation):
    found = decode(make(orientation), "content").pixels
    expected = torch.from_numpy(quarters()).permute(2, 0, 1) / 255
    assert found.shape == expected.shape
    assert float((found - expected).abs().mean()) < 0.02


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_is_no_reason_to_refuse():
    data = save(
        flat("RGB", (40, 200, 120)), "jpeg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\1" * 9
    )
    assert decode(data, "content").shape == (24, 32)


def _bytes_of(image, **how):
    return save(image, "tiff" if image.mode in ("CMYK", "LAB") else "png", **how)


def _lab():
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.profileToProfile(flat("RGB", (40, 200, 120)), srgb, lab, outputMode="LAB")


GRAY = 120 / 255
DEEP = np.tile(np.array([40, 200, 120], np.uint16) * 257, (24, 32, 1))
MODES = {
    "rgb": (_bytes_of(flat("RGB", (40, 200, 120))), SHADES),
    "bmp": (save(flat("RGB", (40, 200, 120)), "bmp"), SHADES),
    "webp": (save(flat("RGB", (40, 200, 120)), "webp", lossless=True), SHADES),
    "palette": (_bytes_of(flat("RGB", (40, 200, 120)).quantize(4)), SHADES),
    "gif": (save(flat("RGB", (40, 200, 120)).quantize(4), "gif"), SHADES),
    "gray": (_bytes_of(flat("L", 120)), (GRAY,) * 3),
    "bilevel": (_bytes_of(flat("1", 1)), (1.0,) * 3),
    "cmyk": (_bytes_of(flat("CMYK", (215, 55, 135, 0))), SHADES),
    "cmyk-jpeg": (save(flat("CMYK", (215, 55, 135, 0)), "jpeg", quality=100), SHADES),
    # Compressed, as such files are; Pillow 12 cannot read back what it writes without.
    "ycbcr": (
        save(flat("RGB", (40, 200, 120)).convert("YCbCr"), "tiff", compression="tiff_lzw"),
        SHADES,
    ),
    "lab": (_bytes_of(_lab()), SHADES),
    "png16-gray": (png16(DEEP[..., 2]), (GRAY,) * 3),
    "png16-rgb": (png16(DEEP), SHADES),
    "tiff16-gray": (tiff(DEEP[..., 2].copy()), (GRAY,) * 3),
    "tiff16-inverted": (tiff(65535 - DEEP[..., 2], photometric="miniswhite"), (GRAY,) * 3),
    "tiff16-rgb": (tiff(DEEP, photometric="rgb"), SHADES),
    "tiff16-zip": (tiff(DEEP, photometric="rgb", compression="zlib", predictor=True), SHADES),
    "tiff16-tiled": (tiff(DEEP, photometric="rgb", tile=(16, 16)), SHADES),
    "tiff16-big-endian": (tiff(DEEP, photometric="rgb", byteorder=">"), SHADES),
    "tiff16-planar": (
        tiff(np.ascontiguousarray(DEEP.transpose(2, 0, 1)), photometric="rgb", planarconfig=2),
        SHADES,
    ),
    "tiff16-unused": (
        tiff(np.dstack([DEEP, 0 * DEEP[..., 0]]), photometric="rgb", extrasamples=["unspecified"]),
        SHADES,
    ),
    "tiff12": (tiff(DEEP[..., 2] >> 4, bitspersample=12), (GRAY,) * 3),
    "tiff-float": (tiff((DEEP[..., 2] / 65535).astype(np.float32)), (GRAY,) * 3),
    "tiff16-cmyk": (
        tiff(
            np.tile(np.array([215, 55, 135, 0], np.uint16) * 257, (24, 32, 1)),
            photometric="separated",
        ),
        SHADES,
    ),
}


@pytest.mark.parametrize(("data", "expected"), MODES.values(), ids=MODES.keys())
def test_every_mode_becomes_rgb(data, expected):
    picture = decode(data, "content")
    assert picture.alpha is None
    assert picture.shape == (24, 32)
    found = picture.pixels.mean((1, 2))
    torch.testing.assert_close(found, torch.tensor(expected), rtol=0, atol=0.04)


CLEAR = np.dstack([DEEP, np.full(DEEP.shape[:2], 128 * 257, np.uint16)])
ALPHAS = {
    "rgba": save(flat("RGBA", (40, 200, 120, 128)), "png"),
    "webp": save(flat("RGBA", (40, 200, 120, 128)), "webp", lossless=True),
    "tiff": save(flat("RGBA", (40, 200, 120, 128)), "tiff"),
    "png16": png16(CLEAR),
    "tiff16": tiff(CLEAR, photometric="rgb", extrasamples=["unassalpha"]),
    "tiff16-premultiplied": tiff(
        np.dstack([(DEEP * (128 / 255)).astype(np.uint16), CLEAR[..., 3]]),
        photometric="rgb",
        extrasamples=["assocalpha"],
    ),
}


@pytest.mark.parametrize("data", ALPHAS.values(), ids=ALPHAS.keys())
def test_alpha_is_kept_beside_straight_colors(data):
    picture = decode(data, "content")
    torch.testing.assert_close(picture.alpha.mean(), torch.tensor(128 / 255), rtol=0, atol=1e-3)
    found = picture.pixels.mean((1, 2))
    torch.testing.assert_close(found, torch.tensor(SHADES), rtol=0, atol=0.012)


KEYED = {
    "palette": save(flat("P", 0), "png", transparency=0),
    "gif": save(flat("P", 0), "gif", transparency=0),
    "gray": save(flat("L", 120), "png", transparency=120),
    "rgb": save(flat("RGB", (1, 2, 3)), "png", transparency=(1, 2, 3)),
    "png16": png16(DEEP[..., 2], (b"tRNS", DEEP[0, 0, 2:].astype(">u2").tobytes())),
}


@pytest.mark.parametrize("data", KEYED.values(), ids=KEYED.keys())
def test_a_transparent_color_is_alpha(data):
    assert float(decode(data, "content").alpha.max()) == 0


def test_gray_with_alpha_keeps_its_gray():
    picture = decode(save(flat("LA", (120, 128)), "png"), "content")
    assert float(picture.pixels.mean()) == pytest.approx(GRAY, abs=0.005)
    assert float(picture.alpha.mean()) == pytest.approx(128 / 255, abs=0.005)


def test_alpha_that_is_opaque_everywhere_is_none():
    assert decode(save(flat("RGBA", (1, 2, 3, 255)), "png"), "content").alpha is None


HALF = np.full((24, 32, 3), 32896, np.uint16)
PROFILED = {
    "rgb": (save(flat("RGB", (128,) * 3), "png", icc_profile=profile("rgb", 1.8))),
    "rgba": (save(flat("RGBA", (128,) * 4), "png", icc_profile=profile("rgb", 1.8))),
    "jpeg": (save(flat("RGB", (128,) * 3), "jpeg", icc_profile=profile("rgb", 1.8))),
    "webp": save(flat("RGB", (128,) * 3), "webp", icc_profile=profile("rgb", 1.8)),
    "gray": save(flat("L", 128), "png", icc_profile=profile("gray", 1.8)),
    "gray-alpha": (save(flat("LA", (128, 9)), "png", icc_profile=profile("gray", 1.8))),
    "tiff": (save(flat("RGB", (128,) * 3), "tiff", icc_profile=profile("rgb", 1.8))),
    "tiff16": tiff(HALF, photometric="rgb", iccprofile=profile("rgb", 1.8)),
    "tiff16-gray": tiff(HALF[..., 0].copy(), iccprofile=profile("gray", 1.8)),
}


@pytest.mark.parametrize("data", PROFILED.values(), ids=PROFILED.keys())
def test_profiles_are_brought_to_srgb(data):
    found = float(decode(data, "content").pixels.mean())
    assert found == pytest.approx(srgb_of(128 / 255, 1.8), abs=0.01)


@pytest.mark.parametrize(
    "data",
    [
        save(flat("RGB", (128,) * 3), "png", icc_profile=b"no profile" * 20),
        save(flat("RGB", (128,) * 3), "png", icc_profile=profile("gray", 1.8)),
        tiff(HALF, photometric="rgb", iccprofile=b"no profile" * 20),
        tiff(HALF, photometric="rgb", iccprofile=profile("gray", 1.8)),
    ],
    ids=["nonsense", "of another kind", "nonsense16", "of another kind 16"],
)
def test_a_profile_that_does_not_fit_is_left_out(data):
    assert float(decode(data, "content").pixels.mean()) == pytest.approx(128 / 255, abs=0.005)


@pytest.mark.parametrize("make", [png16, tiff], ids=["png", "tiff"])
def test_sixteen_bits_come_in_whole(make):
    assert len(decode(make(ramp()), "content").pixels[0, 0].unique()) == 2048


def test_the_first_frame_of_an_animation_is_taken():
    frames = [flat("RGB", (250, 0, 0)), flat("RGB", (0, 250, 0))]
    data = save(frames[0], "gif", save_all=True, append_images=frames[1:])
    assert decode(data, "content").pixels.mean((1, 2)).argmax() == 0


def test_a_mask_is_brightness_where_it_is_opaque():
    white = np.full((16, 16, 4), 255, np.uint8)
    white[:8, :, 3] = 0
    white[:, :8, 1:3] = 0
    mask = decode_mask(save(Image.fromarray(white), "png"), "mask_1")
    assert mask.shape == (16, 16)
    assert float(mask[0].max()) == 0
    assert float(mask[15, 0]) == pytest.approx(0.299, abs=1e-3)
    assert float(mask[15, 15]) == pytest.approx(1, abs=1e-3)


def test_resizing_averages_and_stays_in_range():
    checks = (torch.arange(64)[:, None] + torch.arange(64)) % 2 * torch.ones(3, 1, 1)
    smaller = resize(checks, (16, 16))
    assert 0 <= float(smaller.min()) <= float(smaller.max()) <= 1
    torch.testing.assert_close(
        smaller[:, 4:12, 4:12], torch.full((3, 8, 8), 0.5), rtol=0, atol=0.02
    )


def test_colors_under_transparency_do_not_bleed():
    pixels, alpha = torch.zeros(3, 64, 64), torch.zeros(64, 64)
    pixels[0, :, :32], pixels[1, :, 32:], alpha[:, :32] = 1, 1, 1
    found = resize_picture(Picture(pixels, alpha, ""), (16, 16))
    assert float(found.pixels[1].max()) == 0
    assert float(found.pixels[0].min()) > 0.99
    assert float(found.alpha[:, :6].min()) > 0.99
    assert float(found.alpha[:, 10:].max()) < 0.01
