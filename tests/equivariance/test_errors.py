"""Messages of errors: they name the argument, its value and what was expected."""

import pytest

from equivariance.errors import ChoiceError

MANY = [f"blocks.{i}.{name}" for i in range(40) for name in ("query", "key", "value")]


def test_few_names_are_all_listed():
    assert str(ChoiceError("format", "xml", ["json", "html"])) == "format='xml': expected one of html, json"


@pytest.mark.parametrize("asked", ["blocks.7.querry", "block.7.query", "blocks.7.queries"])
def test_of_many_names_the_nearest_are_listed(asked):
    message = str(ChoiceError("layer", asked, MANY))
    assert message.startswith(f"layer={asked!r}: expected one of 120 names, for example ")
    assert "blocks.7.query" in message
    assert len(message) < 300


def test_a_name_like_none_of_many_gets_the_shortest():
    assert "for example blocks.0.key" in str(ChoiceError("layer", "head", MANY))


def test_an_empty_list_is_told():
    assert str(ChoiceError("layer", "x", [])).endswith("expected one of an empty list: there are none")
