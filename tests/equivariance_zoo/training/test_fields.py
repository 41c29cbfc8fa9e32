import argparse
from dataclasses import asdict

import pytest

from equivariance_zoo.training.fields import from_tables, merged
from equivariance_zoo.training.options import add_settings, given_settings
from tests.equivariance_zoo.training.toy import Net, Settings, Training, read


def test_tables_become_dataclasses_and_keep_defaults():
    found = read({"net": {"width": 8}, "training": {"rate": 1}})
    assert found == Settings(net=Net(width=8), training=Training(rate=1))
    assert read(asdict(found)) == found


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"net": {"width": 0}}, "width: expected a whole number, 1 or more, got 0"),
        ({"net": {"width": 1.5}}, "width: expected a whole number"),
        ({"net": {"width": True}}, "width: expected a whole number"),
        ({"net": {"kind": "gelu"}}, "kind: expected one of relu, tanh, got 'gelu'"),
        ({"net": {"bias": 1}}, "bias: expected true or false, got 1"),
        ({"training": {"rate": 0}}, "rate: expected a number above 0, got 0"),
        ({"training": {"decay": -1}}, "decay: expected a number of 0 or more, got -1"),
        ({"training": {"average": 1.0}}, "average: expected a number below 1, got 1.0"),
        ({"training": {"seed": -1}}, "seed: expected a whole number, 0 or more, got -1"),
        ({"training": {"folder": 3}}, "folder: expected a text, got 3"),
        ({"training": {"epoch": 3}}, "training: expected keys among epochs, .*got 'epoch'"),
        ({"training": 3}, "training: expected a table, got 3"),
        ({"nets": {}}, "settings: expected keys among name, net, training, got 'nets'"),
        ({"name": "x"}, "name: expected one of toy, other"),
        ([], r"settings: expected a table, got \[\]"),
    ],
)
def test_a_setting_out_of_its_bounds_is_named(settings, words):
    with pytest.raises(ValueError, match=words):
        read(settings)


def test_a_table_with_a_reader_of_its_own_is_read_by_it():
    class Own(Net):
        @classmethod
        def from_dict(cls, settings):
            return Net(width=2 * settings["width"])

    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Outer:
        net: Own

    Outer.__annotations__["net"] = Own
    assert from_tables(Outer, "settings", {"net": {"width": 3}}).net == Net(width=6)


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder")
    add_settings(parser, Settings)
    return given_settings(parser.parse_args(arguments))


def test_options_are_settings_by_short_and_by_long_names():
    assert parsed() == {}
    assert parsed("--rate", "0.5", "--net.width", "9", "--no-bias") == {
        "training": {"rate": 0.5},
        "net": {"width": 9, "bias": False},
    }
    assert parsed("--name", "other") == {"name": "other"}
    assert parsed("--batch-size", "4") == parsed("--training.batch-size", "4") == {"training": {"batch_size": 4}}


def test_an_option_of_the_command_keeps_its_name():
    assert parsed("--folder", "x") == {}
    assert parsed("--training.folder", "x") == {"training": {"folder": "x"}}


def test_given_settings_replace_those_of_a_file():
    table = {"net": {"width": 8, "kind": "tanh"}, "training": {"rate": 1.0}}
    assert merged(table, parsed("--width", "2", "--epochs", "7")) == {
        "net": {"width": 2, "kind": "tanh"},
        "training": {"rate": 1.0, "epochs": 7},
    }
    assert table["net"]["width"] == 8
