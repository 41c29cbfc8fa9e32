import pytest

from equivariance_zoo.landmarks.losses import LossSettings
from se3unet.training.settings import Settings, TrainingSettings
from tests.se3unet.training.small import small_settings, small_toml


def test_the_settings_of_the_report():
    report = Settings.read("report")
    assert (report.unet.levels, report.unet.channels, report.unet.neighbours) == (1, 5, 40)
    assert (report.unet.pooling, report.unet.pool_ratio) == ("sum", 0.35)
    assert report.loss == LossSettings("adaptive_wing", 14.0, 0.5, 1.0, 2.1, 10.0, 0.095)
    assert (report.training.epochs, report.training.batch, report.training.rate) == (35, 3, 8.5e-5)


def test_the_default_is_another():
    assert Settings.read("default") != Settings.read("report")


def test_settings_go_to_a_file_and_back(tmp_path):
    settings = small_settings(seed=7)
    path = tmp_path / "small.toml"
    path.write_text(small_toml(settings))
    assert Settings.read(str(path)) == settings
    assert Settings.from_dict(settings.to_dict()) == settings


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[trainig]", "settings: expected keys among network, unet, loss, training, got 'trainig'"),
        ("training = 3", "training: expected a table, got 3"),
        ('network = "resnet"', "network: expected one of se3unet, published, got 'resnet'"),
        ("[training]\nepoch = 2", "training: expected keys among epochs, .*got 'epoch'"),
        ("[training]\nepochs = 0", "epochs: expected a whole number, 1 or more, got 0"),
        ("[training]\nepochs = true", "epochs: expected a whole number"),
        ("[training]\nrate = -1.0", "rate: expected a number above 0, got -1.0"),
        ("[training]\nrate = inf", "rate: expected a number above 0, got inf"),
        ("[training]\naverage = 1.0", "average: expected a number below 1, got 1.0"),
        ('[training]\nprecision = "16"', "precision: expected one of 32-true, bf16-mixed, got '16'"),
        ('[loss]\nkind = "mse"', "kind: expected one of adaptive_wing, cross_entropy, got 'mse'"),
        ("[loss]\nalpha = 1.0", "alpha: expected a number above 1, got 1.0"),
        ("[loss]\nforeground_weight = -1", "foreground_weight: expected a number of 0 or more, got -1"),
        ("[unet]\nlevel = 1", "settings: expected keys among levels"),
        ("[unet]\nchannels = [3]", "channels: expected a whole number, 1 or more, or 2 of them, got \\(3,\\)"),
        ("[unet]\nblocks = 0", "blocks: expected a whole number, 1 or more, got 0"),
        ("[unet", "settings: expected a file in TOML"),
    ],
)
def test_settings_are_checked(tmp_path, text, words):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        Settings.read(str(path))


def test_a_file_that_is_not_there_is_named_with_the_choices():
    with pytest.raises(ValueError, match=r"settings: expected default, report or a file in TOML, got absent.toml"):
        Settings.read("absent.toml")


def test_a_training_setting_out_of_range_never_gets_in():
    with pytest.raises(ValueError, match="validation: expected a number below 1"):
        TrainingSettings(validation=1.5)
