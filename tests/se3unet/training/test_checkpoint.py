import json

import pytest
import torch
from safetensors import safe_open

from se3unet.training.checkpoint import load_checkpoint, save_checkpoint
from se3unet.training.networks import build
from tests.se3unet.training.small import small_faces, small_settings

safetensors = pytest.importorskip("safetensors.torch", reason="checkpoints: pip install safetensors")


def test_what_is_written_is_read(tmp_path):
    settings = small_settings(seed=3)
    model = build(settings)
    save_checkpoint(tmp_path / "model.safetensors", model, settings, {"val_iou": 0.5})
    trained = load_checkpoint(tmp_path / "model.safetensors")
    assert (trained.settings, dict(trained.metrics), trained.model.training) == (settings, {"val_iou": 0.5}, False)
    points = small_faces(2).positions
    assert torch.equal(trained.model(points), model.eval()(points))
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch):
    settings, path = small_settings(), tmp_path / "model.safetensors"
    model = build(settings)
    save_checkpoint(path, model, settings, {})
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(path, model, settings, {"val_iou": 1.0})
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_the_seed_makes_the_weights_and_leaves_the_generator_alone():
    before = torch.get_rng_state()
    one, other, third = (build(small_settings(seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one.parameters(), third.parameters(), strict=True))


def written(path, tensors, about):
    path.write_bytes(safetensors.save(tensors, about))


def good(change):
    """The parts of a good file, changed."""
    settings = small_settings()
    state = {name: tensor.clone() for name, tensor in build(settings).state_dict().items()}
    about = {"format": "se3unet-1", "settings": json.dumps(settings.to_dict()), "metrics": "{}"}
    change(state, about)
    return state, about


BAD = {
    "another format": (lambda state, about: about.update(format="x"), "its format is 'x'"),
    "no format": (lambda state, about: about.pop("format"), "its format is None"),
    "no settings": (lambda state, about: about.pop("settings"), "settings"),
    "settings that are no JSON": (lambda state, about: about.update(settings="{"), "Expecting"),
    "settings of another kind": (lambda state, about: about.update(settings="[]"), "checkpoint: expected"),
    "unknown settings": (lambda state, about: about.update(settings='{"x": 1}'), "got 'x'"),
    "metrics of another kind": (lambda state, about: about.update(metrics="[1]"), "checkpoint: expected"),
    "a weight is missing": (lambda state, about: state.pop("head.mlp.3.bias"), "head.mlp.3.bias"),
    "a weight too many": (lambda state, about: state.update(more=torch.zeros(1)), "more"),
    "a weight of another shape": (lambda state, about: state.update({"head.mlp.3.bias": torch.zeros(3)}), "shape"),
}


@pytest.mark.parametrize(("change", "words"), BAD.values(), ids=BAD)
def test_foreign_files_are_refused(tmp_path, change, words):
    written(tmp_path / "bad.safetensors", *good(change))
    with pytest.raises(ValueError, match="checkpoint: expected one of se3unet") as caught:
        load_checkpoint(tmp_path / "bad.safetensors")
    assert words in str(caught.value)


def test_damaged_and_absent_files_are_refused(tmp_path):
    path = tmp_path / "bad.safetensors"
    with pytest.raises(ValueError, match=r"checkpoint: expected a .safetensors file, got .*bad.safetensors"):
        load_checkpoint(path)
    written(path, *good(lambda state, about: None))
    whole = path.read_bytes()
    for content in (b"", b"hello", whole[:100], whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="checkpoint: expected one of se3unet"):
            load_checkpoint(path)


def _with_setting(meta, table, name, value):
    settings = json.loads(meta["settings"])
    (settings[table] if table else settings)[name] = value
    return {**meta, "settings": json.dumps(settings)}


BAD = {
    "no format": lambda meta: {**meta, "format": "x"},
    "settings are no JSON": lambda meta: {**meta, "settings": "{"},
    "settings are a list": lambda meta: {**meta, "settings": "[]"},
    "settings are deep": lambda meta: {**meta, "settings": "[" * 100_000},
    "figures are huge": lambda meta: {**meta, "metrics": f'{{"a":1{"0" * 400}}}'},
    "figures are text": lambda meta: {**meta, "metrics": '{"a":"x"}'},
    "figures have 5000 digits": lambda meta: {**meta, "metrics": f'{{"a":{"9" * 5000}}}'},
    **{
        f"{name} is {value!r:.20}": lambda meta, name=name, value=value: _with_setting(meta, "unet", name, value)
        for name, value in (
            ("channels", 10**7), ("channels", 10**30), ("max_degree", 60), ("levels", 10**6), ("neighbours", 10**9),
            ("power", 1e308), ("head_width", 10**12), ("channels", [1, "x"]), ("pooling", ["sum"]),
        )
    },
    "the network is a list": lambda meta: _with_setting(meta, None, "network", ["x"]),
    "the table is a list": lambda meta: _with_setting(meta, None, "unet", []),
    "the seed is huge": lambda meta: _with_setting(meta, "training", "seed", 10**30),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_a_file_says_has_bounds(tmp_path, name):
    from se3unet.prediction.predictor import SHIPPED

    with safe_open(SHIPPED, "pt") as file:
        meta = file.metadata()
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    path = tmp_path / "bad.safetensors"
    path.write_bytes(safetensors.save(state, BAD[name](meta)))
    with pytest.raises(ValueError, match="checkpoint: expected one of se3unet, got") as caught:
        load_checkpoint(path)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("content", [b"", b"{}", b"PK\3\4" + b"0" * 99, b"\xff" * 99, b"\0" * 8])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="checkpoint: expected one of se3unet, got"):
        load_checkpoint(path)
