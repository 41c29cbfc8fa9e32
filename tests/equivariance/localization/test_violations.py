"""Modules that break several things at once: each is found at its own statement, with its own cause, and once."""

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal, relative

pytestmark = pytest.mark.numeric

FEATURES, POINTS = normal(8, 4, seed=1), normal(8, 3)
VECTORS = "1x1o"


class Two(nn.Module):
    """Features and positions, each broken by what the name of the case says; the statements carry a mark."""

    def __init__(self, case):
        super().__init__()
        self.case, self.mix = case, nn.Linear(4, 4)
        with torch.no_grad():
            self.mix.weight.copy_(normal(4, 4, seed=3))

    def forward(self, h, pos):
        return getattr(self, self.case)(self.mix(h), relative(pos), pos)

    def one_each(self, h, centred, pos):
        x = pos + 0.1 * centred * pos.norm(dim=1, keepdim=True)  # mark: positions
        return h * pos.norm(dim=1, keepdim=True), x  # mark: features

    def shared(self, h, centred, pos):
        lengths = pos.norm(dim=1, keepdim=True)  # mark: lengths
        return h * lengths, pos + 0.1 * centred * lengths

    def shared_and_own(self, h, centred, pos):
        lengths = pos.norm(dim=1, keepdim=True)  # mark: lengths
        x = pos + 0.1 * centred * lengths
        return h * lengths + (pos**2).sum(1, keepdim=True), x  # mark: squares

    def small(self, h, centred, pos):
        x = pos + centred * torch.tensor([0.0, 0, 0.2]).to(pos)  # mark: an axis
        return h + 1e-4 * centred[:, :1].tanh(), x  # mark: small

    def after_the_other(self, h, centred, pos):
        h = h * pos.norm(dim=1, keepdim=True)  # mark: features
        return h, pos + centred * h[:, :1]


class Outer(nn.Module):
    def __init__(self, case):
        super().__init__()
        self.inner = Two(case)

    def forward(self, h, pos):
        h, x = self.inner(h, pos)
        return 2 * h, x


SPECS = {"h": None, "pos": "cartesian_points"}
CASES = {
    "one_each": ("translation", {"positions": "output[1]", "features": "output[0]"}),
    "shared": ("translation", {"lengths": None}),
    "shared_and_own": ("translation", {"squares": "output[0]", "lengths": "output[1]"}),
    "small": ("rotation", {"an axis": "output[1]", "small": "output[0]"}),
    "after_the_other": ("translation", {"features": None}),
}


def marks(report):
    return {f.location.source.partition("# mark: ")[2]: f for f in report.findings}


@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_every_output_that_is_broken_is_found_once(case, declared):
    symmetry, expected = CASES[case]
    contracts = {"inner": eq.Contract(SPECS, [None, "cartesian_points"])} if declared else None
    module, group = (Outer if declared else Two)(case), {"translation": "translation", "rotation": "so3"}[symmetry]
    out = [None, "cartesian_points"]
    report = eq.diagnose(module, (FEATURES, POINTS), SPECS, out, group=group, samples=3, contracts=contracts)
    found = marks(report)
    assert set(found) == set(expected), report
    assert len(report.findings) == len(expected)
    for mark, part in expected.items():
        assert found[mark].located == "confirmed"
        assert found[mark].layer == ("inner" if declared else "")
        assert part is None or found[mark].part == part


def test_several_breaks_of_a_layer_have_their_own_contributions():
    contracts = {"inner": eq.Contract(SPECS, [None, "cartesian_points"])}
    report = eq.diagnose(
        Outer("small"), (FEATURES, POINTS), SPECS, [None, "cartesian_points"], group="so3", samples=3,
        contracts=contracts,
    )  # fmt: skip
    found = marks(report)
    assert found["an axis"].contributed > 0.01
    assert 1e-6 < found["small"].contributed < 1e-2


class Parts(nn.Module):
    """One tensor, two irreps, each broken by a statement of its own."""

    def forward(self, pos):
        centred = relative(pos)
        scalars = centred.norm(dim=1, keepdim=True) + centred[:, :1]  # mark: scalars
        vectors = centred + 0.01 * torch.ones(3).to(pos)  # mark: vectors
        return torch.cat([scalars, vectors], 1)


def test_irreps_of_one_tensor_are_looked_at_one_by_one():
    report = eq.diagnose(Parts(), POINTS, "cartesian_points", "1x0e+1x1o", group="so3", samples=3)
    assert set(marks(report)) == {"scalars", "vectors"}, report


class Causes(nn.Module):
    """One output, two statements, two causes."""

    def __init__(self, symmetry):
        super().__init__()
        self.symmetry = symmetry

    def forward(self, pos):
        centred = relative(pos)
        if self.symmetry == "translation":
            linear = pos.norm(dim=1, keepdim=True)  # mark: linear
            squared = (pos**2).sum(1, keepdim=True)  # mark: squared
            return torch.cat([linear, 1e-2 * squared], 1)
        turned = centred * torch.tensor([1, 1, 1.2]).to(pos)  # mark: an axis
        clipped = (centred * centred.norm(dim=1, keepdim=True)).relu()  # mark: components
        return turned + 0.1 * clipped


@pytest.mark.slow
@pytest.mark.parametrize(
    ("symmetry", "expected"),
    [
        ("translation", {"linear": ("absolute-position", "due"), "squared": ("absolute-position", "in a square")}),
        ("rotation", {"an axis": ("frame-dependent", "about z"), "components": ("component-mixing", "")}),
    ],
)
def test_each_statement_has_the_cause_of_its_own_break(symmetry, expected):
    output, group = (None, "translation") if symmetry == "translation" else (VECTORS, "so3")
    report = eq.diagnose(Causes(symmetry), POINTS, "cartesian_points", output, group=group, samples=3)
    found = marks(report)
    assert set(found) == set(expected), report
    for mark, (cause, words) in expected.items():
        assert found[mark].cause == cause
        assert words in found[mark].evidence
    assert len({f.error for f in report.findings}) == 2


def lengths(pos):
    return relative(pos).norm(dim=1, keepdim=True)


def capped(pos):
    near = torch.cdist(pos, pos) < 2.0
    kept = near & (near.long().cumsum(1) <= 3)
    return kept.to(pos) @ lengths(pos)


def tied(pos):
    nearest = (torch.cdist(pos, pos) * 0).argmin(1)
    return lengths(pos)[nearest]


ORDERS = {
    "running sum": (lambda pos: lengths(pos).cumsum(0), "read those before them", "Sum over all nodes"),
    "causal mask": (lambda pos: torch.cdist(pos, pos).tril() @ lengths(pos), "read those before them", "causal masks"),
    "cap": (capped, "a cap on", "max_num_neighbors"),
    "next": (lambda pos: lengths(pos).roll(1, 0) * lengths(pos), "the next ones", "by distance or by edges"),
    "apart": (lambda pos: (torch.cdist(pos, pos) / (1 + torch.cdist(torch.arange(8.0)[:, None],
              torch.arange(8.0)[:, None])).to(pos)).sum(1), "|i - j|", "in place of |i - j|"),
    "number": (lambda pos: lengths(pos) * torch.arange(8)[:, None].to(pos), "number", "follow them"),
    "first": (lambda pos: lengths(pos) - lengths(pos)[:1], "special by its number", "by geometry"),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERS)
def test_the_remedy_of_an_order_says_what_to_do_for_the_evidence(name):
    function, means, fix = ORDERS[name]
    (finding,) = eq.diagnose(
        function, POINTS, eq.CartesianPoints(nodes=0), eq.Invariant(nodes=0), group="permutation", samples=3
    ).findings
    assert finding.cause == "order-dependent"
    assert means in finding.evidence, finding
    assert fix in finding.fix, finding
