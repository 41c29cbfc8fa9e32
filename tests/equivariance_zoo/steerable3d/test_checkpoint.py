import torch

from equivariance_zoo.steerable3d.__main__ import main
from equivariance_zoo.steerable3d.checkpoint import build, load, save
from equivariance_zoo.steerable3d.settings import Run


def test_what_is_written_is_read(config, tmp_path):
    run = Run.read(config)
    model = build(run)
    save(tmp_path / "deep" / "model.safetensors", model, run, {"accuracy": 0.5})
    found = load(tmp_path / "deep" / "model.safetensors")
    assert (found.settings, found.metrics, found.model.training) == (run, {"accuracy": 0.5}, False)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), found.model.parameters(), strict=True))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model.safetensors"]


def test_the_seed_makes_the_weights_and_leaves_the_generator_alone(config):
    run = Run.read(config)
    before = torch.get_rng_state()
    one, other = build(run), build(run)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_other_files_are_refused(capsys, tmp_path):
    from safetensors.torch import save_file

    (tmp_path / "text.safetensors").write_text("hello")
    save_file({"x": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    for name in ("text", "foreign", "absent"):
        assert main(["evaluate", str(tmp_path / f"{name}.safetensors")]) == 2
        assert "checkpoint: expected" in capsys.readouterr().err
