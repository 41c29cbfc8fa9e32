"""The law of an output that nobody states, from the runs: sound ones pass, broken ones stay broken, none is excused."""

import re

import pytest
import torch
from e3nn import o3
from torch import nn

import equivariance as eq
from equivariance.errors import ArgumentError
from tests.equivariance.helpers.specimens import normal, relative

pytestmark = pytest.mark.numeric

POINTS, VECTORS, FEATURES = normal(8, 3), normal(8, 3, seed=2), normal(8, 4, seed=1)
ALL = ["e3", "permutation"]


def told(report):
    return {(symmetry, f.cause) for f in report.findings for symmetry in f.symmetries}


def laws(report):
    return [line.partition(": ")[2].partition(" (")[0] for line in report.assumptions if line.startswith("output")]


def norms(pos):
    return relative(pos).norm(dim=1, keepdim=True)


SOUND = {
    "energy": (lambda pos: torch.pdist(pos).sum(), "unchanged"),
    "one number for each node": (lambda pos: norms(pos)[:, 0], "unchanged, nodes on axis 0"),
    "features": (lambda pos: norms(pos) * torch.ones(4), "unchanged, nodes on axis 0"),
    "forces": (lambda pos: relative(pos) * norms(pos), "1x1o, nodes on axis 0"),
    "positions": (lambda pos: pos + relative(pos) * norms(pos), "cartesian_points, nodes on axis 0"),
    "centre": (lambda pos: pos.mean(0), "cartesian_points"),
    "torque": (lambda pos: torch.linalg.cross(relative(pos), (norms(pos) * relative(pos)).sum(0).expand_as(pos)),
               "1x1e, nodes on axis 0"),
    "chirality": (lambda pos: torch.linalg.det(relative(pos)[[0, 1, 2]]), "pseudoscalars"),
    "irreps": (lambda pos: torch.cat([norms(pos), o3.spherical_harmonics([1, 2], relative(pos), False)], 1),
               "1x0e+1x1o+1x2e, nodes on axis 0"),
    "vectors on another axis": (lambda pos: relative(pos)[:, :, None] * torch.arange(1.0, 5),
                                "Cartesian tensor on axis 1, nodes on axis 0"),
    "pairs of nodes": (lambda pos: torch.cdist(pos, pos), "unchanged, nodes on axis 0, pairs with nodes on axis 1"),
    "vectors between nodes": (lambda pos: pos[:, None] - pos, "1x1o, nodes on axis 0, pairs with nodes on axis 1"),
    "matrices": (lambda pos: relative(pos).T @ relative(pos), "Cartesian tensor on axes 0 and 1"),
    "neighbours": (lambda pos: torch.cdist(pos, pos).topk(3, largest=False).indices, "node numbers, nodes on axis 0"),
    "in the order of a search": (lambda pos: torch.pdist(pos).sort().values, "unchanged"),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_sound_outputs_need_no_declaration(name):
    function, law = SOUND[name]
    report = eq.check(function, (POINTS,), group="e3" if name == "chirality" else ALL, samples=3)
    assert report.ok, report
    assert laws(report) == [law]
    line = next(line for line in report.assumptions if "irreps_out=" in line)
    declared = eval(line.partition("irreps_out=")[2], {"eq": eq})
    groups = "e3" if name == "chirality" else ALL
    again = eq.check(function, (POINTS,), ("cartesian_points",), declared, group=groups, samples=3)
    assert again.ok, again
    assert not [line for line in again.assumptions if "irreps_out" in line]


BROKEN = {
    "energy, absolute": (lambda pos: torch.pdist(pos).sum() + 0.1 * pos.norm(dim=1).sum(), "unchanged",
                         {"translation"}),
    "energy, an axis": (lambda pos: torch.pdist(pos).sum() + relative(pos)[:, 0].relu().sum(), "unchanged",
                        {"rotation"}),
    "energy, odd": (lambda pos: (relative(pos) * norms(pos)).sum(), "unchanged", {"rotation", "inversion"}),
    "energy, order": (lambda pos: torch.pdist(pos).sum() + norms(pos)[0, 0], "unchanged", {"permutation"}),
    "features, order": (lambda pos: norms(pos).cumsum(0) * torch.ones(4), "unchanged, nodes on axis 0",
                        {"permutation"}),
    "features, index": (lambda pos: 0.5 * norms(pos) + torch.arange(8.0)[:, None] / 8, "unchanged, nodes on axis 0",
                        {"permutation"}),
    "forces, bias": (lambda pos: relative(pos) + 0.1, "1x1o, nodes on axis 0", {"rotation", "inversion"}),
    "forces, relu": (lambda pos: relative(pos).relu(), "1x1o, nodes on axis 0", {"rotation", "inversion"}),
    "forces, factors": (lambda pos: relative(pos) * torch.tensor([1, 1, 1.3]), "1x1o, nodes on axis 0", {"rotation"}),
    "forces, absolute": (lambda pos: relative(pos) + 0.01 * pos, "1x1o, nodes on axis 0", {"translation"}),
    "positions, absolute": (lambda pos: pos * (1 + 0.01 * pos.norm(dim=1, keepdim=True)),
                            "cartesian_points, nodes on axis 0", {"translation"}),
    "positions, bias in one axis": (lambda pos: pos + torch.tensor([0.1, 0, 0]), "cartesian_points, nodes on axis 0",
                                    {"rotation", "inversion"}),
    "irreps, bias": (lambda pos: torch.cat([norms(pos), relative(pos)], 1) + 0.1, "1x0e+1x1o, nodes on axis 0",
                     {"rotation", "inversion"}),
    "irreps, absolute": (lambda pos: torch.cat([norms(pos), pos], 1), "1x0e+1x1o, nodes on axis 0", {"translation"}),
    "vectors on another axis": (lambda pos: relative(pos)[:, :, None] * torch.arange(1.0, 5) + 0.1,
                                "Cartesian tensor on axis 1, nodes on axis 0", {"rotation", "inversion"}),
    "mixtures of the axes": (lambda pos: relative(pos) @ normal(3, 8, seed=5).to(pos), "unchanged, nodes on axis 0",
                             {"rotation", "inversion"}),
    "everything": (nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 5)), "unchanged, nodes on axis 0",
                   {"translation", "rotation", "inversion"}),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_a_weaker_law_does_not_excuse_a_break(name):
    """The symmetry that is broken is the finding, by the law that was meant; what it rests on is told."""
    function, law, symmetries = BROKEN[name]
    report = eq.check(function, {"everything": POINTS}.get(name, (POINTS,)), group=ALL, samples=3)
    assert {s for s, cause in told(report) if s != "none"} == symmetries, report
    assert laws(report) == [law]
    (line,) = [line for line in report.assumptions if line.startswith("output")]
    evidence = line.partition("(closest: ")[2]
    assert all(f"under {symmetry}" in evidence.partition("; holds")[0] for symmetry in symmetries)


def test_what_the_first_sample_alone_does_not_show_is_told_by_the_others():
    def running_sum(pos):
        return (pos - pos.mean(1, keepdim=True)).norm(dim=-1).cumsum(0)

    points = eq.CartesianPoints(nodes=1, batch=0)
    report = eq.check(running_sum, (normal(3, 6, 3, seed=1),), [points], group=["so3", "batch"])
    (line,) = [line for line in report.assumptions if line.startswith("output")]
    off = re.search(r"off by (\S+) under batch", line)
    assert off, line
    assert float(off[1]) > 0.1


class Tied(nn.Module):
    """Zero at initialization, as coordinate updates are: any law holds until it is trained. Broken by an axis then."""

    def __init__(self, broken):
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(1))
        self.register_buffer("factors", torch.tensor([1.0, 1, 2] if broken else [1.0, 1, 1]))

    def forward(self, pos):
        return self.gain * relative(pos) * self.factors


@pytest.mark.parametrize("broken", [False, True])
def test_an_output_that_is_zero_at_initialization_is_told_by_other_weights(broken):
    report = eq.diagnose(Tied(broken), (POINTS,), group="e3", samples=3)
    assert told(report) - {("none", "vanishing")} == ({("rotation", "frame-dependent")} if broken else set()), report
    assert laws(report) == ["1x1o"]


def test_leaves_of_every_container_are_told_one_by_one():
    def both(pos, h):
        return {"h": [h + norms(pos), None], "x": (pos, {"n": 8, "mask": norms(pos)[:, 0] > 1})}

    report = eq.check(both, (POINTS, FEATURES), group=ALL, samples=3)
    assert report.ok, report
    shown = [line.partition(" (")[0] for line in report.assumptions if line.startswith("output")]
    assert shown == [
        "output['h'][0] [8, 4]: unchanged, nodes on axis 0",
        "output['x'][0] [8, 3]: cartesian_points, nodes on axis 0",
        "output['x'][1]['mask'] [8]: unchanged, nodes on axis 0",
    ]


@pytest.mark.parametrize("samples_apart", [True, False])
def test_samples_are_told(samples_apart):
    def centred(pos):
        return relative(pos) if samples_apart else pos - pos.mean((0, 1))

    report = eq.check(centred, (normal(3, 5, 3),), group=["e3", "permutation", "batch"], samples=3)
    assert told(report) == (set() if samples_apart else {("batch", "batch-coupled")}), report
    assert laws(report) == ["1x1o, nodes on axis 1, samples on axis 0"]


def test_samples_that_lie_one_after_the_other_are_told():
    numbers = torch.tensor([0, 0, 0, 1, 1, 1, 1])

    def pooled(pos, batch):
        centres = pos.new_zeros(len(batch.unique()), 3).index_add(0, batch, pos) / batch.bincount()[:, None]
        return pos - centres[batch], centres

    report = eq.check(pooled, (normal(7, 3), numbers), group=["e3", "batch"], samples=3)
    assert report.ok, report
    assert laws(report) == ["1x1o, nodes on axis 0, samples on axis 0", "cartesian_points, samples on axis 0"]


VOIGT = [0, 4, 8, 5, 2, 1]
IN_ANOTHER_BASIS = {
    "symmetric matrix in six numbers": lambda pos: (relative(pos).T @ relative(pos)).flatten()[VOIGT],
    "flat matrices": lambda pos: (relative(pos)[:, :, None] * relative(pos)[:, None]).flatten(1),
    "l=2 on axis 1": lambda pos: o3.spherical_harmonics(2, relative(pos), False)[:, :, None] * torch.ones(2),
}


@pytest.mark.parametrize("name", IN_ANOTHER_BASIS)
def test_what_is_right_in_another_basis_is_asked_for_not_blamed(name):
    with pytest.raises(ArgumentError, match=r"irreps_out=NOT_GIVEN: .* turns by a linear map of its \d components"):
        eq.check(IN_ANOTHER_BASIS[name], (POINTS,), group="so3", samples=3)


def test_what_layers_state_is_tried_first():
    """A broken leaf has no blocks to be read: the last layer says which were meant."""

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = o3.Linear("3x1o", "2x0e+2x1o")

        def forward(self, pos):
            shaken = (relative(pos)[:, None] * torch.arange(1.0, 4)[:, None]).flatten(1)
            return self.last(shaken) + relative(pos)[:, :1].tanh()

    report = eq.check(Network(), (POINTS,), group="so3", samples=3)
    assert told(report)
    assert laws(report) == ["2x0e+2x1o"]


def test_nothing_that_moves_proves_nothing():
    report = eq.check(lambda h: h @ torch.ones(4, 2), (FEATURES,), samples=2)
    assert report.symmetries == ()
    assert report.failures()[0].startswith("nothing was tested (translation: no input changes under translation")
    report = eq.check(lambda vel: 2 * vel, (VECTORS,), samples=2)
    assert report.ok
    assert ("translation", "no input changes under translation") in report.untested


NAMELESS = {
    "sound": (lambda x: x - x.mean(0), set()),
    "absolute": (lambda x: relative(x) * x.norm(dim=1, keepdim=True), {"none", "translation"}),
    "an axis": (lambda x: relative(x) * torch.tensor([1, 1, 1.3]), {"none", "rotation"}),
    "unlike any": (lambda x: x.tanh(), {"none", "translation", "rotation"}),
}


@pytest.mark.parametrize("name", NAMELESS)
def test_the_only_tensor_that_looks_like_geometry_is_taken_for_positions(name):
    """Vectors would hide a break under translation, what does not change would hide all."""
    function, symmetries = NAMELESS[name]
    report = eq.check(function, (POINTS,), samples=3)
    assert {s for s, _ in told(report)} == symmetries, report
    assert any(line.startswith("x [8, 3]: cartesian_points") for line in report.assumptions)
    asked = [f for f in report.findings if f.cause == "undeclared-input"]
    assert len(asked) == bool(symmetries)
    assert all("nothing else moves" in f.evidence and "irreps_in=" in f.fix for f in asked)


def test_vectors_without_a_name_are_told_from_positions_by_the_evidence():
    report = eq.check(lambda x: 2 * x, (VECTORS,), samples=3)
    (finding,) = [f for f in report.findings if f.cause == "undeclared-input"]
    assert "as 1x1o, which no translation moves, it is right" in finding.evidence


def test_forces_need_no_declaration_either():
    def energy(pos):
        return torch.pdist(pos).exp().mean()

    report = eq.diagnose(energy, (POINTS,), group="e3", samples=2, gradients=True)
    assert report.ok, report
    assert "pos" in report.settings["gradients"]
