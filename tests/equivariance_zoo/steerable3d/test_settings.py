import pytest

from equivariance_zoo.steerable3d.__main__ import main
from equivariance_zoo.steerable3d.settings import Run, TrainingConfig
from tests.equivariance_zoo.steerable3d.small import SMALL


def test_settings_go_to_plain_values_and_back(config):
    run = Run.read(config)
    assert Run.from_dict(run.to_dict()) == run
    assert run.training == TrainingConfig(2, 4)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[training]", "[train]", "settings: expected keys among data, network"),
        ('kind = "tetris"', 'kind = "mnist"', "kind: expected one of tetris"),
        ('kind = "tetris"', 'kind = "cath"', "folder: expected a folder for cath"),
        ('kind = "tetris"', "", "expected the key kind too"),
        ("size = 10", "size = 0", "size: expected a whole number, 1 or more"),
        ("epochs = 2", "epoch = 2", "training: expected keys among epochs"),
        ("epochs = 2", "rate = -1.0", "rate: expected a number above 0"),
        ("classes = 8", 'name = "alexnet"', "network: expected one of tetris"),
        ("epochs = 2", "rate = inf", "rate: expected a number above 0"),
        ("epochs = 2", 'decay = "x"', "decay: expected a number of 0 or more"),
        ("epochs = 2", "seed = 1.5", "seed: expected a whole number, 0 or more"),
        ("stride = 2", "step = 2", "stages: expected tables with irreps"),
        ("[data]", "[data", "config: expected a file in TOML"),
    ],
)
def test_settings_are_checked(config, capsys, tmp_path, old, new, words):
    config.write_text(SMALL.replace(old, new))
    assert main(["train", str(config), "--output", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("equivariance_zoo.steerable3d: error: ")
    assert words in printed
    assert printed.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_named_network_is_the_papers(config):
    config.write_text(SMALL.partition("[network]")[0] + '[network]\nname = "tetris"\nclasses = 8\n')
    assert Run.read(config).network.kernel_size == 5
