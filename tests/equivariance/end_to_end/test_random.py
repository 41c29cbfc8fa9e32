"""Networks that draw random numbers: all precisions draw the same ones, and the finding names the layer that draws."""

import numpy as np
import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance._engine.instrumentation.precision import SameDraws
from tests.equivariance.helpers.specimens import Scale, normal


class Drawing(nn.Module):
    """Multiplies whole vectors by random factors, or single components if it is broken."""

    def __init__(self, draw, always=False, broken=False):
        super().__init__()
        self.draw, self.always, self.broken = draw, always, broken

    def forward(self, v):
        like = v if self.broken else v[..., :1]
        return v + 0.1 * self.draw(like) * v if self.always or self.training else v


def exponential(like):
    return torch.empty_like(like).exponential_()


def binary(like):
    return torch.bernoulli(torch.full_like(like, 0.3))


def by_numpy(like):
    return torch.from_numpy(np.random.rand(*like.shape)).to(like)  # noqa: NPY002


DRAWS = {
    "rand_like": torch.rand_like,
    "randn": lambda like: torch.randn(like.shape).to(like),
    "exponential_": exponential,
    "bernoulli": binary,
    "dropout": lambda like: nn.functional.dropout(torch.ones_like(like), 0.3),
    "NumPy": by_numpy,
}


def diagnosed(draw, **options):
    network = nn.Sequential(Scale(), Drawing(draw, **options), Scale(seed=1))
    return eq.diagnose(network, normal(8, 4, 3), ["1x1o"], "1x1o", group="o3", samples=8)


@pytest.mark.parametrize("name", DRAWS)
def test_what_is_drawn_in_evaluation_mode_is_found_in_its_layer(name):
    report = diagnosed(DRAWS[name], always=True)
    findings = [(f.layer, f.symmetry, f.cause) for f in report.findings]
    assert findings == [("" if name == "NumPy" else "1", "none", "nondeterministic")], report
    assert {v.verdict for v in report.verdicts} == {"holds"}
    assert all("every run draws the same ones" in v.remarks[0] for v in report.verdicts)
    assert not {n.cause for n in report.notes} & {"discrete-tie", "ill-conditioned"}


@pytest.mark.parametrize("name", DRAWS)
def test_random_numbers_of_training_mode_are_no_rounding(name):
    report = diagnosed(DRAWS[name])
    assert report.ok, report
    assert all("random masks" in remark for v in report.verdicts for remark in v.remarks)
    assert "train mode" in report.settings["states"]
    assert not {n.cause for n in report.notes} & {"discrete-tie", "ill-conditioned"}
    assert max(row.reached_floor for row in report.layers) < 1e-5


@pytest.mark.parametrize("name", DRAWS)
def test_random_factors_of_components_break_rotations(name):
    report = diagnosed(DRAWS[name], broken=True)
    assert {symmetry for f in report.findings for symmetry in f.symmetries} == {"rotation"}, report
    assert report.findings[0].state.endswith("train mode")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", [n for n in DRAWS if n != "NumPy"])
def test_the_numbers_are_those_of_float64_rounded(name, dtype):
    ones = torch.ones(4, 5, dtype=torch.float64)
    torch.manual_seed(3)
    wanted = DRAWS[name](ones)
    torch.manual_seed(3)
    with SameDraws():
        made = DRAWS[name](ones.to(dtype))
    assert made.dtype == dtype
    assert torch.equal(made, wanted.to(dtype)) or name == "randn"


def test_whole_numbers_and_orders_are_drawn_as_ever():
    torch.manual_seed(0)
    plain = torch.randperm(9), torch.randint(5, (4,))
    torch.manual_seed(0)
    with SameDraws():
        drawn = torch.randperm(9), torch.randint(5, (4,))
    assert all(map(torch.equal, plain, drawn))
