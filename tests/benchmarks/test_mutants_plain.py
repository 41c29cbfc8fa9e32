"""The plain comparison finds sound toys sound and broken toys broken, and imports nothing of the harness."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from benchmarks.mutants.example import Example, Law
from benchmarks.mutants.motions import motion
from benchmarks.mutants.plain import LIMIT, Incomparable, errors
from tests.architecture.sources import ROOT

POINTS, FEATURES = Law(point=True, nodes=1, samples=0), Law(nodes=1, samples=0)
TENSORS = {"x": torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0)),
           "h": torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(1))}  # fmt: skip


class Toy(nn.Module):
    """Moves points along differences, weighted by features; `change` is added at one place."""

    def __init__(self, change=lambda x, h: (x, h), trained=False):
        super().__init__()
        self.change, self.trained, self.weight = change, trained, nn.Linear(4, 1)

    def forward(self, x, h):
        ends = x[:, :, None] - x[:, None]
        weight = self.weight(h).squeeze(-1)
        made = x + (ends * weight[:, None, :, None]).sum(2)
        return self.change(made, h) if self.training or not self.trained else (made, h)


def volume(x):
    """Returns a number that changes its sign with the handedness, whatever the order of nodes."""
    ends = x - x.mean(1, keepdim=True)
    far = ends * ends.norm(dim=-1, keepdim=True)
    farther = far * ends.norm(dim=-1, keepdim=True)
    axes = torch.stack([(v * v.norm(dim=-1, keepdim=True)).sum(1) for v in (ends, far, farther)], 1)
    return torch.linalg.det(axes)[:, None, None]


def compared(change=lambda x, h: (x, h), **options):
    trained = options.pop("trained", False)
    given = Example(
        lambda: Toy(change, trained), TENSORS, {"x": POINTS, "h": FEATURES}, (POINTS, FEATURES), unpack=tuple
    )
    return {symmetry for symmetry, error in errors(given).items() if error > LIMIT}


def test_a_sound_network_is_sound():
    assert compared() == set()


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (lambda x, h: (x + 0.1, h), {"rotation", "inversion"}),
        (lambda x, h: (x * torch.tensor([1, 1, 1.1]), h), {"translation", "rotation"}),
        (lambda x, h: (x, h + volume(x)), {"inversion"}),
        (lambda x, h: (x - x.mean(1, keepdim=True), h), {"translation"}),
        (lambda x, h: (x, h + x.norm(dim=-1, keepdim=True)), {"translation"}),
        (lambda x, h: (x, h + torch.arange(5)[:, None]), {"permutation"}),
        (lambda x, h: (x, h - h.mean()), {"batch"}),
        (lambda x, h: (x, h + 1e-7 * x[..., :1]), {"translation", "rotation", "inversion"}),
    ],
)  # fmt: skip
def test_a_break_is_found_under_the_right_symmetries(change, broken):
    assert compared(change) == broken


def test_a_break_in_training_is_found():
    assert compared(lambda x, h: (x + 0.1, h), trained=True) == {"rotation", "inversion"}


def test_a_break_that_shows_with_other_weights_only_is_found():
    class Zero(Toy):
        def __init__(self):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(1))

        def forward(self, x, h):
            return super().forward(x, h)[0] + self.bias, h

    given = Example(Zero, TENSORS, {"x": POINTS, "h": FEATURES}, (POINTS, FEATURES), unpack=tuple)
    assert {s for s, e in errors(given).items() if e > LIMIT} == {"rotation", "inversion"}


def test_an_ill_conditioned_result_is_no_break():
    def amplified(x, h):
        return x, h + (1e12 * (x - x.mean(1, keepdim=True)).square().sum((1, 2), keepdim=True)).sin()

    assert compared(amplified) == set()


@pytest.mark.parametrize("change", [lambda x, h: (x / 0, h), lambda x, h: (x @ h, h)])
def test_what_cannot_be_compared_is_said(change):
    with pytest.raises(Incomparable):
        compared(change)


def test_irreps_are_those_of_e3nn():
    from e3nn import o3

    irreps = "2x0e+1x0o+1x1o+1x1e+2x2e+1x2o"
    for symmetry in ("rotation", "inversion"):
        g = motion(symmetry, Example(nn.Identity, TENSORS, {"x": POINTS, "h": FEATURES}, ()), 3)
        proper = g.matrix * g.matrix.det().sign()
        k = torch.tensor(int(g.matrix.det() < 0))
        wanted = o3.Irreps(irreps).D_from_matrix(proper.float() * (1 - 2 * k))
        assert torch.allclose(g.of(irreps).float(), wanted, atol=1e-5)


def test_edges_and_concatenated_samples_move_together():
    batch, pairs = torch.tensor([0, 0, 1, 1, 1]), torch.tensor([[0, 1, 2, 3, 4], [1, 0, 3, 4, 2]])

    class Sum(nn.Module):
        def forward(self, x, edges, batch):
            ends = (x[edges[1]] - x[edges[0]]).norm(dim=-1)
            nodes = torch.zeros(len(x), dtype=x.dtype).index_add(0, edges[0], ends)
            return torch.zeros(int(batch.max()) + 1, dtype=x.dtype).index_add(0, batch, nodes)

    laws = {
        "x": Law(point=True, nodes=0),
        "edges": Law(counts="nodes", edges=1),
        "batch": Law(counts="samples", nodes=0),
    }
    given = Example(Sum, {"x": torch.randn(5, 3), "edges": pairs, "batch": batch}, laws, (Law(samples=0),),
                    symmetries=("translation", "rotation", "permutation", "edges", "batch"))  # fmt: skip
    assert max(errors(given).values()) <= LIMIT


def test_nothing_of_the_harness_is_imported():
    code = "import sys, benchmarks.mutants.plain; sys.exit(any(n.split('.')[0] == 'equivariance' for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
