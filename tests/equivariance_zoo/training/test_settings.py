from dataclasses import dataclass

import pytest

from equivariance_zoo.training.settings import boolean, build, choice, number, read_toml, whole


@dataclass(frozen=True)
class Optimizer:
    kind: str
    rate: float = 0.1


def test_a_table_becomes_a_dataclass_and_keeps_defaults():
    assert build(Optimizer, "optimizer", {"kind": "adam"}) == Optimizer("adam", 0.1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([], r"optimizer: expected a table, got \[\]"),
        ({"kind": "adam", "rat": 1}, "optimizer: expected keys among kind, rate, got 'rat'"),
        ({"rate": 1}, "optimizer: expected the key kind too, got rate"),
        ({}, "optimizer: expected the key kind too, got none"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        build(Optimizer, "optimizer", settings)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (lambda value: whole("n", value), (1, 9), (0, True, 1.0, "1", None)),
        (lambda value: whole("n", value, 0), (0,), (-1,)),
        (lambda value: number("n", value, above=1), (2, 1.5), (1, True, NAN, INF, "2")),
        (lambda value: number("n", value), (0, 0.5), (-0.1, None)),
        (lambda value: choice("n", value, ("a", "b")), ("a",), ("c", 1)),
        (lambda value: boolean("n", value), (True, False), (1, "true")),
    ],
)
def test_values_are_held_against_their_bounds(check, right, wrong):
    for value in right:
        check(value)
    for value in wrong:
        with pytest.raises(ValueError, match=r"n: expected .*, got "):
            check(value)


def test_a_file_that_is_no_toml_is_refused(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("a = 1\n[b]\nc = 'x'\n")
    assert read_toml("settings", path) == {"a": 1, "b": {"c": "x"}}
    for content in (b"a = ", b"\xff"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"settings: expected a file in TOML, got .*settings\.toml"):
            read_toml("settings", path)
