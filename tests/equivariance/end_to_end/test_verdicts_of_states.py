"""Verdicts that must not depend on the seed, on the state, or on a look at tensors that nothing reads."""

import pytest
import torch
from torch import nn

import equivariance as eq
from benchmarks.verdicts.networks import SPECIMENS, Gated, Vectors
from benchmarks.verdicts.run import verdicts_of

MOVED = ("translation", "rotation")


def verdicts(report):
    return {v.symmetry: v.verdict for v in report.verdicts if v.claimed}


def diagnosed(network, *args, seed=0, **options):
    return eq.diagnose(network.eval(), args, seed=seed, **options)


@pytest.mark.slow
@pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda s: s.name)
def test_the_verdicts_are_right(specimen):
    """The networks of the benchmark, with a seed that its page does not show."""
    said = verdicts_of(specimen.name, 1000)
    assert {symmetry: said.get(symmetry) for symmetry in specimen.right} == specimen.right


# Violations that one state hides


class TrainingOnly(nn.Module):
    """Reads a coordinate in training mode; `gate` hides it."""

    def __init__(self, gate=1.0):
        super().__init__()
        self.f, self.aux, self.gate = nn.Linear(1, 2), nn.Linear(3, 2), nn.Parameter(torch.full((1,), gate))

    def forward(self, pos):
        sizes = (pos[:, None] - pos).square().sum(-1).mean(1, keepdim=True)
        return self.f(sizes) + (self.gate * self.aux(pos) if self.training else 0)


class Normalized(nn.Module):
    """A batch norm whose weight starts at zero, before a coordinate is added."""

    def __init__(self):
        super().__init__()
        self.f, self.norm = nn.Linear(3, 4), nn.BatchNorm1d(4)
        nn.init.zeros_(self.norm.weight)

    def forward(self, pos):
        lengths = (pos - pos.mean(0)).norm(dim=1, keepdim=True)
        return lengths + self.norm(self.f(pos))


class TwoGates(nn.Module):
    """Two closed gates, one behind the other."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = Gated(0.0), nn.Parameter(torch.zeros(3))

    def forward(self, pos):
        return (pos - pos.mean(0)).norm(dim=1, keepdim=True) + self.outer * self.inner(pos)


HIDDEN = {
    "training mode only": TrainingOnly,
    "training mode only, closed gate": lambda: TrainingOnly(0.0),
    "batch norm of weight zero": Normalized,
    "two closed gates": TwoGates,
    "closed gate": lambda: Gated(0.0),
    "gate of 1e-6": lambda: Gated(1e-6),
}


@pytest.mark.slow
@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize("name", HIDDEN)
def test_what_one_state_hides_is_broken_at_every_seed(name, samples):
    for seed in range(3):
        torch.manual_seed(seed)
        report = diagnosed(HIDDEN[name](), torch.randn(6, 3), seed=seed, samples=samples, group="se3")
        assert verdicts(report) == dict.fromkeys(MOVED, "broken"), (seed, report)
        assert not eq.check(HIDDEN[name](), torch.randn(6, 3), group="se3", samples=samples, seed=seed).ok


def test_a_sound_network_behind_a_new_head_holds():
    for seed in range(3):
        torch.manual_seed(seed)
        report = diagnosed(Vectors(False, True), torch.randint(0, 5, (6,)), torch.randn(6, 3), seed=seed)
        assert verdicts(report) == dict.fromkeys((*MOVED, "permutation"), "holds")


# Inputs that nothing reads


class Reads(nn.Module):
    """Reads one of two tensors."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def forward(self, pos, charges):
        return {"pos": (pos - pos.mean(0)).square().sum(-1), "charges": charges.square()}[self.name]


class Disconnected(nn.Module):
    """Multiplies what it makes of the positions by zero."""

    def forward(self, pos, charges):
        return charges + 0 * pos.square().sum()


class Rounded(nn.Module):
    """Turns the positions into whole numbers that are always the same."""

    def forward(self, pos, charges):
        return charges + (pos.norm() > 1e6)


@pytest.mark.parametrize("network", [Reads("charges"), Disconnected(), Rounded()], ids=lambda n: type(n).__name__)
def test_a_symmetry_of_a_tensor_that_nothing_reads_is_not_tested(network):
    report = diagnosed(network, torch.randn(6, 3), torch.randn(6))
    assert {s: verdicts(report)[s] for s in MOVED} == dict.fromkeys(MOVED, "not tested")
    assert all("the output does not depend on pos" in dict(report.untested)[symmetry] for symmetry in MOVED)
    assert verdicts(report)["permutation"] == "holds"
    assert not report.complete
    assert report.failures() == ()
    assert len(report.failures(strict=True)) == 2
    with pytest.raises(eq.EquivarianceAssertionError, match="rotation was not tested"):
        eq.assert_equivariant(network, (torch.randn(6, 3), torch.randn(6)), group="so3")


def test_a_symmetry_of_a_tensor_that_is_read_holds():
    report = diagnosed(Reads("pos"), torch.randn(6, 3), torch.randn(6))
    assert {s: verdicts(report)[s] for s in MOVED} == dict.fromkeys(MOVED, "holds")


def test_signs_and_ranks_react_to_large_changes():
    report = diagnosed(Applied(lambda pos: (pos - pos.mean(0)).norm(dim=1).argsort()), torch.randn(6, 3), group="so3")
    assert verdicts(report) == {"rotation": "holds"}


class Applied(nn.Module):
    """Applies a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, pos):
        return self.function(pos)


# Networks that raise an error on transformed inputs


def _sorted_only(pos):
    """Rejects points that are not in order of their x coordinate."""
    assert bool((pos[:, 0].diff() >= 0).all()), "points out of order"
    return (pos - pos.mean(0)).norm(dim=1)


def _above_ground(pos):
    """Rejects points below z = 0."""
    if bool((pos[:, 2] < 0).any()):
        raise ValueError("points below the ground")
    return (pos - pos.mean(0)).norm(dim=1)


@pytest.mark.parametrize(
    ("function", "group", "cause"),
    [(_sorted_only, "permutation", "order-dependent"), (_above_ground, "translation", "absolute-position"),
     (_above_ground, "so3", "frame-dependent")],
)  # fmt: skip
def test_an_error_on_transformed_inputs_is_a_finding_at_its_statement(function, group, cause):
    points = torch.rand(6, 3).sort(0).values
    report = diagnosed(Applied(function), points, group=group, irreps_in="cartesian_points", irreps_out=None)
    (finding,) = report.findings
    assert finding.cause == cause
    assert finding.location.source.startswith(("assert", "raise"))
    assert [v.verdict for v in report.verdicts] == ["broken"]


def test_a_training_mode_that_rejects_a_batch_of_one_leaves_the_rest():
    class Head(nn.Module):
        def __init__(self, clips):
            super().__init__()
            self.encode, self.norm, self.clips = nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8), clips

        def forward(self, pos):
            vectors = pos - pos.mean(1, keepdim=True)
            features = (
                self.encode(vectors).relu() if self.clips else vectors.norm(dim=-1, keepdim=True).expand(-1, -1, 8)
            )
            return self.norm(features.amax(1))

    for clips in (False, True):
        torch.manual_seed(0)
        laws = eq.CartesianPoints(nodes=1, batch=0), eq.Invariant(nodes=None, batch=0)
        report = eq.diagnose(Head(clips).eval(), torch.randn(2, 12, 3), *laws, group=["so3", "batch"])
        assert verdicts(report) == {"rotation": "broken" if clips else "holds", "batch": "holds"}
        assert not [line for line in report.assumptions if "not inferred" in line]


def test_what_applies_is_tested_and_the_rest_is_told():
    class Pseudovectors(nn.Module):
        """Adds a pseudovector to a vector: mirrors break it, rotations do not."""

        def forward(self, pos):
            c = pos - pos.mean(0)
            far = (c.square().sum(1, keepdim=True) * c).sum(0)
            return c + torch.linalg.cross(c, far.expand_as(c))

    torch.manual_seed(0)
    report = diagnosed(Pseudovectors(), torch.randn(9, 3))
    (inversion,) = [v for v in report.verdicts if not v.claimed]
    assert verdicts(report) == dict.fromkeys((*MOVED, "permutation"), "holds")
    assert (inversion.symmetry, inversion.error > 0.1) == ("inversion", True)
    assert "not claimed" in str(report)
    named = diagnosed(Pseudovectors(), torch.randn(9, 3), group="e3")
    assert verdicts(named)["inversion"] == "broken"
