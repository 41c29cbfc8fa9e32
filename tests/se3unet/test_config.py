import dataclasses

import pytest

from se3unet.config import SE3UnetConfig


def test_the_defaults_are_the_reports():
    config = SE3UnetConfig()
    assert (config.levels, config.channels, config.max_degree, config.neighbours) == (1, 5, 2, 40)
    assert (config.pool_ratio, config.pooling, config.landmarks) == (0.35, "sum", 68)
    assert (config.self_interaction, config.last_self_interaction) == ("1x1", "attentive")


def test_a_configuration_survives_a_dict():
    config = SE3UnetConfig(levels=2, channels=6, heads=3, pooling="max", power=1.5)
    assert SE3UnetConfig.from_dict(config.to_dict()) == config
    assert SE3UnetConfig.from_dict({"levels": 3}) == SE3UnetConfig(levels=3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.levels = 3


def test_channels_by_level():
    assert SE3UnetConfig(levels=2).channels_by_level == (5, 5, 5)
    config = SE3UnetConfig.from_dict({"levels": 2, "channels": [2, 4, 6], "heads": 2})
    assert config.channels_by_level == config.channels == (2, 4, 6)
    with pytest.raises(ValueError, match=r"heads: expected a divisor of channels=\(2, 3\), got 2"):
        SE3UnetConfig(channels=(2, 3), heads=2)


def test_unknown_keys_are_an_error():
    with pytest.raises(ValueError, match=r"settings: expected keys among levels, .*, got 'chanels', 'pool'"):
        SE3UnetConfig.from_dict({"chanels": 5, "levels": 1, "pool": "sum"})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("levels", 0, "a whole number, 1 or more"),
        ("levels", True, "a whole number, 1 or more"),
        ("channels", 2.5, "a whole number, 1 or more"),
        ("channels", (2, 3, 4), "a whole number, 1 or more, or 2 of them"),
        ("channels", (2, 0), "a whole number, 1 or more, or 2 of them"),
        ("blocks", 0, "a whole number, 1 or more"),
        ("max_degree", 0, "a whole number, 1 or more"),
        ("neighbours", 1, "a whole number, 2 or more"),
        ("landmarks", -1, "a whole number, 1 or more"),
        ("head_width", "128", "a whole number, 1 or more"),
        ("heads", 2, "a divisor of channels=5"),
        ("pool_ratio", 1.0, "a number"),
        ("pool_ratio", None, "a number"),
        ("power", 0.0, "a number above 0"),
        ("power", float("nan"), "a number above 0"),
        ("power", "2", "a number above 0"),
        ("pooling", "None", "one of sum, mean, max"),
        ("messages", "graph", "one of attention, convolution"),
        ("relative_positions", None, "one of concatenate, add"),
        ("skip", "cat", "one of concatenate, sum"),
        ("self_interaction", "att", "one of 1x1, attentive"),
        ("last_self_interaction", ["1x1"], "one of 1x1, attentive"),
    ],
)
def test_a_setting_out_of_range_is_named(name, value, expected):
    with pytest.raises(ValueError, match=f"^{name}: expected {expected}") as caught:
        SE3UnetConfig(**{name: value})
    assert repr(value) in str(caught.value)
