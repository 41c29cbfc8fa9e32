"""torch.compile: compiled modules, layers and functions are examined as they are written."""

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.clouds import POINTS, VECTORS, Network, diagnosed, messages, told
from tests.equivariance.helpers.specimens import normal

NOTICE = "without torch.compile"


def refusing(graph, inputs):
    """A compiler that must not be asked."""
    raise AssertionError("compiled")


class Written(Network):
    def build(self):
        self.mix = nn.Linear(4, 4, bias=False)

    def forward(self, x):
        h = self.mix(self.vectors(x).mT).mT
        if self.broken:
            h = torch.relu(h)
        return (self.weight @ h).sum(1)


class Holding(nn.Module):
    """A network with something compiled inside."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return 2 * self.inner(x)


def made(kind, backend, broken):
    def function(x):
        v = messages(x)
        if broken:
            v = torch.relu(v)
        return 2 * v

    module = Written(broken)
    if kind == "method":
        module.compile(backend=backend)
        return module
    compiled = torch.compile(function if "function" in kind else module, backend=backend)
    return Holding(compiled) if kind.startswith("inner") else compiled


AT_FAULT = {
    "module": ("", "confirmed", "h = torch.relu(h)"),
    "method": ("", "confirmed", "h = torch.relu(h)"),
    "inner module": ("inner._orig_mod", "confirmed", "h = torch.relu(h)"),
    "function": ("", "confirmed", "v = torch.relu(v)"),
    "inner function": ("", "confirmed", "v = torch.relu(v)"),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # of importing inductor
@pytest.mark.parametrize("kind", AT_FAULT)
@pytest.mark.parametrize("backend", [refusing, "eager", "aot_eager", "inductor"])
def test_the_statement_is_that_of_the_source(kind, backend, caplog):
    sound = diagnosed(made(kind, backend, broken=False))
    assert sound.ok, sound
    assert not sound.notes
    assert told(diagnosed(made(kind, backend, broken=True))) == {AT_FAULT[kind]}
    assert not caplog.records


@pytest.mark.slow
def test_code_that_is_compiled_already_is_not_used():
    compiled = torch.compile(Written(broken=True), backend="eager")
    before = compiled(normal(10, 3))
    assert told(diagnosed(compiled)) == {AT_FAULT["module"]}
    assert torch.equal(compiled(normal(10, 3)), before)


def test_layers_have_the_names_that_the_author_gave_them():
    rows = diagnosed(torch.compile(Written(), backend=refusing)).layers
    assert {row.layer for row in rows} == {"", "mix"}
    assert diagnosed(torch.compile(Written(), backend=refusing)).subject == "Written"


@pytest.mark.parametrize("kind", ["module", "method", "inner module", "function"])
def test_the_report_says_that_compiled_code_is_not_tested(kind):
    assert NOTICE in diagnosed(made(kind, refusing, broken=False)).assumptions[-1]
    checked = eq.check(made(kind, refusing, broken=False), normal(10, 3), POINTS, VECTORS, group="so3", samples=2)
    assert checked.ok
    assert NOTICE in checked.assumptions[-1]
    assert not any(NOTICE in line for line in diagnosed(Written()).assumptions)


def test_the_compiler_is_as_before_afterwards():
    diagnosed(torch.compile(Written(), backend=refusing))
    asked = []
    torch.compile(lambda x: x + 1, backend=lambda graph, _: asked.append(graph) or graph.forward)(torch.ones(2))
    assert asked
