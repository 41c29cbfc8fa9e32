"""Which columns of a line an instruction evaluates."""

import sys
from pathlib import Path

import pytest

from equivariance._engine.instrumentation.source_lines import (
    RunningLine,
    SourceLine,
    location_at,
    places_of,
    raised_at,
)


def here(*values):
    """The statement that calls this function."""
    return places_of(sys._getframe(1))[0]


def expression_at(place):
    """The text between the columns; None if there are none."""
    columns = location_at(place).columns
    line = Path(place.file).read_text(encoding="utf-8").splitlines()[place.line - 1]
    return columns and line[columns[0] - 1 : columns[1]]


def once(x):
    return here(x)


def first_of_two(x):
    place, _ = here(x), abs(x)
    return place


def inside_a_sum(x):
    return [abs(x), here(x + 1)][1]


def of_wide_characters(x):
    return {"é🧭": abs(x), "b": here(x)}["b"]


def over_several_lines(x):
    return [abs(x), here(
        x,
        x,
    )][1]  # fmt: skip


class Doubled:
    def __init__(self, x):
        self.x = x

    def __add__(self, other):
        return here(other)


def in_an_operator(x):
    return Doubled(x) + abs(x)


EXPRESSIONS = {
    once: None,
    first_of_two: "here(x)",
    inside_a_sum: "here(x + 1)",
    of_wide_characters: "here(x)",
    over_several_lines: "here(",
    in_an_operator: None,
}


@pytest.mark.parametrize(("function", "expected"), EXPRESSIONS.items(), ids=lambda v: getattr(v, "__name__", None))
def test_the_expression_is_marked_if_the_line_has_others(function, expected):
    assert expression_at(function(-1)) == expected


def test_the_caller_of_a_helper_has_an_expression_of_its_own():
    def call(x):
        return places_in_helper(abs(x))

    def places_in_helper(x):
        return places_of(sys._getframe())

    inner, outer = places_in_helper(1)[0], call(-1)[1]
    assert inner.source == "return places_of(sys._getframe())"
    assert outer.source == "return places_in_helper(abs(x))"
    assert location_at(outer).columns == (16, 39)


def test_statements_are_identified_by_their_lines():
    (first, second) = (here(1), here(2))
    assert first == second == SourceLine(first.file, first.line)
    assert len({first, second}) == 1
    assert location_at(first).columns != location_at(second).columns
    assert location_at(SourceLine(first.file, first.line)).columns is None


def test_the_statement_that_raises_has_columns():
    def failing(x):
        return abs(x) + 1 / (x - x)

    with pytest.raises(ZeroDivisionError) as caught:
        failing(2)
    place = raised_at(caught.value)
    assert isinstance(place, RunningLine)
    assert expression_at(place) == "1 / (x - x)"


def test_code_without_columns_has_none():
    place = here(abs(-1))
    bare = RunningLine.at(place.code.replace(co_linetable=b""), place.instruction, place.line)
    assert location_at(bare).columns is None
