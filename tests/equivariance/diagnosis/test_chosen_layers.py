"""`layers=` limits the work, and what is said of the layers that match is what a whole run says of them.

Only the whole network is run under fewer elements: errors that a layer takes over from others may be smaller.
"""

import dataclasses

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance._engine.diagnosis import localizer
from equivariance._engine.instrumentation.testbed import Runner
from tests.equivariance.helpers.specimens import Applied, Mix, Scale, Stack, normal

VECTORS = normal(6, 4, 3)


def network():
    return Stack(Scale(), Mix(), Applied(lambda x: x + 1e-4 * x.abs()), Scale())


TAKEN_OVER = ("accumulated", "reached_working", "reached_floor")


def near(found, known):
    """Equal, and numbers equal up to rounding; what is taken over from other layers is no larger."""
    assert [f.name for f in dataclasses.fields(found)] == [f.name for f in dataclasses.fields(known)]
    for entry in dataclasses.fields(found):
        one, other = getattr(found, entry.name), getattr(known, entry.name)
        if entry.name in TAKEN_OVER:
            assert one <= other * (1 + 1e-9)
            assert (one > 0) == (other > 0)
            continue
        assert one == (pytest.approx(other, rel=1e-9, abs=1e-300) if isinstance(other, float) else other), entry.name


def told(report, layers):
    """Rows, findings and notes of some layers."""
    return [item for items in (report.layers, report.findings, report.notes) for item in items if item.layer in layers]


@pytest.fixture(scope="module")
def whole():
    torch.manual_seed(0)
    return eq.diagnose(network(), VECTORS, "1x1o", "1x1o", group="o3", samples=4)


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["layers.0", "layers.1", "layers.2", "Scale", "layers.[12]", "Stack"])
def test_rows_and_findings_are_those_of_the_whole_run(whole, pattern):
    torch.manual_seed(0)
    chosen = eq.diagnose(network(), VECTORS, "1x1o", "1x1o", group="o3", samples=4, layers=pattern)
    layers = {row.layer for row in chosen.layers}
    assert layers == {
        "Scale": {"layers.0", "layers.3"}, "layers.[12]": {"layers.1", "layers.2"}, "Stack": {""}
    }.get(pattern, {pattern})  # fmt: skip
    found, known = told(chosen, layers), told(whole, layers)
    assert len(found) == len(known)
    for one, other in zip(found, known, strict=True):
        near(one, other)


class Plain(nn.Module):
    """Nothing is declared; `inner` is a layer of its own, as its class says."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(4, 4, bias=False), nn.Linear(4, 4)

    def forward(self, pos):
        mixed = self.inner(pos.transpose(-1, -2)).transpose(-1, -2)
        return mixed.abs() + self.outer(pos.norm(dim=-1)).unsqueeze(-1)


@pytest.mark.slow
def test_a_layer_that_nobody_declared_is_found_in_the_code_of_the_whole():
    reports = []
    for pattern in (None, "*"):
        torch.manual_seed(0)
        reports.append(eq.diagnose(Plain(), VECTORS, irreps_out="1x1o", group="so3", samples=3, layers=pattern))
    one, other = (report.findings for report in reports)
    assert [(f.layer, f.cause) for f in one] == [(f.layer, f.cause) for f in other]
    assert one


@pytest.mark.slow
def test_layers_that_do_not_match_are_not_searched(monkeypatch):
    searched, passes = [], []
    search, run = localizer.violations_of, Runner.run
    monkeypatch.setattr(localizer, "violations_of", lambda *args: searched.append(args[2][0].layer) or search(*args))
    monkeypatch.setattr(Runner, "run", lambda *args, **kwargs: passes.append(1) or run(*args, **kwargs))

    def examined(pattern):
        searched.clear()
        passes.clear()
        eq.diagnose(network(), VECTORS, "1x1o", "1x1o", group="o3", samples=8, layers=pattern)
        return set(searched), len(passes)

    everything, most = examined(None)
    assert everything == {"layers.1", "layers.2"}
    assert examined("layers.2")[0] == {"layers.2"}
    nothing, few = examined("layers.0")
    assert nothing == set()
    assert few < 0.6 * most  # the output is measured in every state, whichever layers are searched
