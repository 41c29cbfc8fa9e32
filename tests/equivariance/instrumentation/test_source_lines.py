"""Where the code of a layer stands."""

import functools
from pathlib import Path

import pytest
import torch
from e3nn import o3
from torch import nn

from equivariance._engine.instrumentation.source_lines import location_of, source_of
from equivariance.contracts.callables import as_module, name_of
from equivariance.errors import ArgumentError
from tests.equivariance.helpers import specimens
from tests.equivariance.helpers.specimens import Mix, Scale, Stack


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


class Decorated(nn.Module):
    @decorated
    @torch.no_grad()
    def forward(self, x):
        return x


def line_of(text, file=__file__):
    lines = Path(file).read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if text in line)


def test_the_forward_of_a_submodule():
    found = location_of(Stack(Scale(), Mix()), "layers.1")
    assert found.file == "tests/equivariance/helpers/specimens.py"
    lines = Path(specimens.__file__).read_text().splitlines()
    assert lines[found.line - 1].strip() == found.source == "def forward(self, x: Tensor) -> Tensor:"
    assert "class Mix" in "".join(lines[found.line - 8 : found.line])


def test_a_forward_that_is_inherited_stands_where_it_is_written():
    class Heir(Scale):
        pass

    assert location_of(Heir(), "").file.endswith("specimens.py")


def test_decorators_are_skipped():
    found = location_of(Decorated(), "")
    assert found.source == "def forward(self, x):"
    assert found.line == line_of("class Decorated") + 3


def test_plain_functions_and_lambdas():
    found = location_of(as_module(decorated), "")
    assert (found.file, found.line) == (
        "tests/equivariance/instrumentation/test_source_lines.py",
        line_of("def decorated"),
    )
    assert source_of(lambda x: x + 41).line == line_of("x + 41")


def test_partial_functions_and_bound_methods():
    assert source_of(functools.partial(decorated, 1)).line == line_of("def decorated")
    assert source_of(Decorated().forward).source == "def forward(self, x):"


@pytest.mark.parametrize("function", [torch.sin, len, o3.Linear("1o", "1o")._compiled_main.forward])
def test_code_without_a_file_has_no_place(function):
    assert source_of(function) is None


def test_a_place_prints_as_terminals_link_it():
    assert (
        str(source_of(decorated))
        == f"tests/equivariance/instrumentation/test_source_lines.py:{line_of('def decorated')}"
    )


def test_names():
    assert name_of(Scale()) == "Scale"
    assert name_of(as_module(decorated)) == "decorated"
    assert name_of(as_module(functools.partial(decorated, 1))) == "decorated"


def test_a_callable_object_is_a_function():
    class Function:
        def __call__(self, x):
            return x * 2

    module = as_module(Function())
    assert module(torch.ones(1)) == 2
    assert location_of(module, "").source == "def __call__(self, x):"


def test_what_cannot_be_called_is_refused():
    with pytest.raises(ArgumentError, match="func=3: expected a callable"):
        as_module(3)
