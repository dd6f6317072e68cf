"""A request becomes a plan, or is refused by the field that is wrong."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from files import flat, save
from painter.errors import OutOfRange, PaintError
from painter.options.request import Resume
from painter.planning.plan import make_plan
from pictures import photo, png, request, stripes

WHITE, BLACK = png(np.full((48, 64), 255)), png(np.zeros((48, 64)))
LEFT = png([[255] * 32 + [0] * 32] * 48)
RIGHT = png([[0] * 32 + [255] * 32] * 48)


def with_alpha(alpha, height=48, width=64):
    """A photo of which `alpha`, an array or a number, is opaque."""
    samples = np.full((height, width, 4), 120, np.uint8)
    samples[..., 3] = alpha
    return png(samples)


def _left_opaque():
    return with_alpha(np.repeat([[255] * 32 + [0] * 32], 48, axis=0))


def _refused(**given):
    with pytest.raises(PaintError) as caught:
        make_plan(request(**given))
    return caught.value


@pytest.mark.parametrize(
    ("size", "given", "shapes"),
    [
        (64, {}, [(48, 64)]),
        (256, {}, [(48, 64), (96, 128), (192, 256)]),
        (256, {"levels": 2}, [(96, 128), (192, 256)]),
        (256, {"levels": 1}, [(192, 256)]),
        (250, {}, [(94, 125), (188, 250)]),
        (256, {"content": photo(128, 16)}, [(256, 32)]),
    ],
)
def test_levels_halve_the_size_down_to_64(size, given, shapes):
    plan = make_plan(request(size=size, steps=100, **given))
    assert [level.shape for level in plan.levels] == shapes
    assert sum(level.steps for level in plan.levels) == 100
    assert plan.shape == shapes[-1]
    assert plan.photo.shape == plan.content.shape[-2:] == shapes[-1]


def test_more_levels_than_steps_are_told():
    assert make_plan(request(size=256, steps=2)).adjusted == (
        "steps: 3 instead of 2, one for each level",
    )
    assert not make_plan(request(size=256, steps=3)).adjusted
    assert not make_plan(request(size=256, steps=0)).adjusted


def test_levels_that_do_not_fit_are_told():
    plan = make_plan(request(size=128, levels=5))
    assert len(plan.levels) == 2
    assert plan.adjusted == ("levels: 2 instead of 5, no more fit",)


@pytest.mark.parametrize(
    ("content", "size", "code", "told"),
    [
        (save(flat("RGB", 0, (4000, 8)), "png"), 512, "image_too_small", "4000 x 8"),
        (save(flat("RGB", 0, (4000, 16)), "png"), 512, "image_too_small", "512 x 2 px"),
        (photo(48, 200), 64, "image_too_small", "64 x 15 px"),
        (with_alpha(0), 64, "image_transparent", "alpha 0"),
    ],
)
def test_photos_that_cannot_be_painted(content, size, code, told):
    error = _refused(content=content, size=size)
    assert isinstance(error, OutOfRange)
    assert (error.code, error.field) == (code, "content")
    assert told in error.detail


@pytest.mark.parametrize("name", ["content", "style", "canvas", "palette"])
def test_every_picture_is_refused_under_its_own_name(name):
    broken = {"style": {"styles": [b"no"]}}.get(name, {name: b"no"})
    assert _refused(**broken).field == name


@pytest.mark.parametrize("field", ["mask_2", "style_mask_2", "content_mask"])
@pytest.mark.parametrize(("data", "code"), [(b"no", "not_an_image"), (BLACK, "mask_empty")])
def test_every_mask_is_refused_under_its_own_name(field, data, code):
    kind = field.removesuffix("_2")
    masks = {kind: data} if kind == "content_mask" else {kind + "s": {2: data}}
    error = _refused(styles=[stripes(), photo(seed=3)], **masks)
    assert (error.code, error.field) == (code, field)
    assert field in error.detail


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"content": _left_opaque(), "content_mask": RIGHT}, "content_mask"),
        ({"content": _left_opaque(), "masks": {1: RIGHT}}, "mask_1"),
        ({"styles": [_left_opaque()], "style_masks": {1: RIGHT}}, "style_mask_1"),
    ],
)
def test_a_mask_on_nothing_but_transparency_is_empty(given, field):
    error = _refused(**given)
    assert (error.code, error.field) == ("mask_empty", field)


def test_a_transparent_style_is_refused():
    error = _refused(styles=[stripes(), with_alpha(0)])
    assert (error.code, error.field) == ("image_transparent", "style_2")


def test_a_style_too_long_is_refused():
    error = _refused(styles=[png(np.zeros((16, 16 * 300)))])
    assert (error.code, error.field) == ("image_too_small", "style")
    assert "256 times" in error.detail
    assert "4800 x 16" in error.detail


@pytest.mark.parametrize(
    ("picture", "scale", "shape"),
    [
        ((64, 64), 1, (64, 64)),
        ((64, 64), 2, (128, 128)),
        ((300, 200), 1, (64, 43)),
        ((300, 200), 0.5, (48, 32)),
        ((40, 400), 1, (32, 320)),
    ],
)
def test_styles_are_never_stretched_nor_too_small(picture, scale, shape):
    plan = make_plan(request(styles=[stripes(*picture)], style_scale=scale))
    found = plan.parts[0].styles[0][1].shape_beside(plan.shape)
    assert found == shape
    adjusted = max(found) != 64 * scale
    assert bool(plan.adjusted) == adjusted
    assert all(note.startswith(f"style: seen at {shape[1]} x") for note in plan.adjusted)


def test_a_large_style_is_kept_no_larger_than_twice_what_is_seen():
    plan = make_plan(request(styles=[stripes(600, 900)]))
    assert plan.parts[0].styles[0][1].picture.shape == (85, 128)


def test_style_weights_become_shares():
    styles = [stripes(), photo(seed=3), photo(seed=4)]
    assert make_plan(request(styles=styles)).style_weights == (1 / 3,) * 3
    plan = make_plan(request(styles=styles, style_weights=(2, 6, 0)))
    assert plan.style_weights == (0.25, 0.75, 0)
    assert [share for share, _ in plan.parts[0].styles] == [0.25, 0.75, 0]


def test_masks_make_parts_and_what_is_left_goes_to_the_styles_without_one():
    styles = [stripes(), photo(seed=3)]
    plan = make_plan(request(styles=styles, masks={1: LEFT}))
    first, second = plan.parts
    torch.testing.assert_close(first.mask + second.mask, torch.ones(48, 64))
    assert float(first.mask[:, :30].min()) == 1
    assert [part.weight for part in plan.parts] == [1, 1]
    assert not plan.adjusted


def test_a_style_that_masks_leave_nothing_to_is_told():
    plan = make_plan(request(styles=[stripes(), photo(seed=3)], masks={1: WHITE}))
    assert len(plan.parts) == 1
    assert plan.adjusted == ("style_2: the masks leave no part of the photo to it",)


def test_masks_that_leave_nothing_to_any_style_are_refused():
    # Each is just large enough alone, and half of it is not.
    dot = np.zeros((480, 640))
    dot[:18, :20] = 255
    error = _refused(size=640, styles=(stripes(), photo(40, 40)), masks={1: png(dot), 2: png(dot)})
    assert (error.code, error.field, error.status) == ("mask_empty", "mask_1", 422)
    assert "0.1%" in error.detail


def test_a_canvas_that_is_not_started_from_is_told():
    plan = make_plan(request(canvas=photo(64, 48), init="noise"))
    assert plan.adjusted == ("canvas: left out, since init is noise",)
    assert plan.start is None


def test_a_mask_of_another_shape_is_resized_and_told():
    plan = make_plan(request(styles=[stripes()], masks={1: png(np.full((50, 50), 255))}))
    assert plan.parts[0].mask.shape == (48, 64)
    assert plan.adjusted == (
        "mask_1: resized from 50 x 50 to 64 x 48 px, another shape than its picture's",
    )


def test_a_mask_of_the_same_shape_and_another_size_is_not_told():
    plan = make_plan(request(styles=[stripes()], masks={1: png(np.full((96, 128), 255))}))
    assert plan.parts[0].mask.shape == (48, 64)
    assert not plan.adjusted


def test_transparency_counts_in_no_loss():
    plan = make_plan(request(content=_left_opaque()))
    for mask in (plan.content_mask, plan.parts[0].mask):
        assert float(mask[:, 36:].max()) == 0
        assert float(mask[:, :28].min()) == 1
    both = make_plan(request(content=_left_opaque(), content_mask=png([[128] * 64] * 48)))
    assert float(both.content_mask[:, :28].mean()) == pytest.approx(128 / 255, abs=0.01)
    assert float(both.content_mask[:, 36:].max()) == 0


def test_jpeg_of_a_transparent_photo_is_told():
    assert not make_plan(request(content=_left_opaque())).adjusted
    (told,) = make_plan(request(content=_left_opaque(), format="jpeg")).adjusted
    assert "white" in told


@pytest.mark.parametrize("given", [{"init": "image"}, {"resume": Resume(1, 0)}])
def test_what_needs_a_canvas_says_so(given):
    error = _refused(**given)
    assert (error.code, error.field) == ("missing_canvas", "canvas")
    assert next(iter(given)) in error.detail


def test_a_canvas_of_another_aspect_is_told_and_a_large_one_is_made_smaller():
    plan = make_plan(request(canvas=photo(200, 200), init="image"))
    assert plan.adjusted == ("canvas: 200 x 200 px brought to the photo's aspect",)
    assert plan.start.shape == (3, 48, 64)


@pytest.mark.parametrize(
    ("level", "step", "allowed"), [(1, 0, True), (2, 9999, True), (0, 0, False), (3, 0, False)]
)
def test_resume_is_within_the_levels(level, step, allowed):
    given = {"size": 128, "canvas": photo(), "resume": Resume(level, step)}
    if allowed:
        assert make_plan(request(**given)).resume == Resume(level, step)
    else:
        error = _refused(**given)
        assert error.field == "resume"
        assert f"from 1 to 2, got {level}" in error.detail


def test_digests_are_those_of_the_files():
    def digest(data):
        return hashlib.sha256(data).hexdigest()

    styles = [stripes(), photo(seed=3)]
    plan = make_plan(
        request(styles=styles, masks={2: LEFT}, style_masks={1: WHITE}, content_mask=RIGHT)
    )
    assert plan.digests == {
        "content": digest(photo()),
        "styles": [digest(style) for style in styles],
        "masks": {
            "mask_2": digest(LEFT),
            "style_mask_1": digest(WHITE),
            "content_mask": digest(RIGHT),
        },
        "canvas": None,
        "palette": None,
    }
    started = make_plan(request(init="image", canvas=stripes(), palette=photo(seed=5)))
    assert started.digests["canvas"] == digest(stripes())
    assert started.digests["palette"] == digest(photo(seed=5))
