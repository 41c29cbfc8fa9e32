"""Programs that once got a wrong verdict, each with the answer that is right; a run prints them as a table.

`python -m pytest tests/equivariance/end_to_end/test_verdicts.py` prints one line for each program. Relatives of each
program are in the files `test_verdicts_of_*.py`, `test_borders.py`, `test_random.py` and `test_untouched.py`.
"""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

import equivariance as eq
from benchmarks.verdicts.networks import Distances, Edges, FirstNeighbours, Gated, Vectors
from tests.equivariance.end_to_end.test_verdicts_of_states import TrainingOnly

PERIODIC = eq.Grid(irreps="1x0e", axes=(2, 3))
KINDS = {"holds": "+", "broken": "-", "not tested": "?"}


@pytest.fixture(scope="module")
def table(request):
    """Rows (program, answer), printed after the last test."""
    rows = []
    yield rows
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("", *(f"{program:28} {answer}" for program, answer in rows), sep="\n")


def said(network, *args, **options):
    """The verdicts on claimed symmetries: "+" holds, "-" broken, "?" not tested."""
    module = network.eval() if isinstance(network, nn.Module) else network
    report = eq.diagnose(module, args, samples=4, **options)
    return " ".join(f"{v.symmetry}{KINDS[v.verdict]}" for v in report.verdicts if v.claimed)


def points(count=7):
    torch.manual_seed(0)
    return torch.randn(count, 3)


def pointnet(layout, bug):
    def network(points):
        rows = points.transpose(1, 2) if layout == "BCN" else points
        features = torch.relu(rows @ torch.linspace(-1, 1, 48, dtype=points.dtype).sin().reshape(3, 16))
        return features.amax(-2) + (features[..., 0, :] if bug else 0)

    shape = {"BNC": (4, 20, 3), "BCN": (4, 3, 20), "NC": (20, 3)}[layout]
    torch.manual_seed(0)
    return said(network, torch.randn(shape), group="permutation")


def list_of_clouds(bug):
    def energy(cloud, first):
        c = cloud - cloud.mean(0)
        return (c[:, None] - c).square().sum() + (c[:, 2].square().sum() if bug and first else 0)

    def network(clouds):
        return torch.stack([energy(c, i == 0) for i, c in enumerate(clouds)])

    torch.manual_seed(0)
    return said(network, [torch.randn(5, 3), torch.randn(8, 3)], group=["se3", "permutation"])


def torsions():
    def network(pos):
        c = pos - pos.mean(0)
        one = torch.linalg.cross(c[:-2], c[1:-1])
        phi = torch.atan2((torch.linalg.cross(one, 3 * one) * c[:-2]).sum(-1), (3 * one * one).sum(-1))
        tau = (one * c[2:]).sum(-1)
        return torch.where(phi < 0, phi + torch.pi, phi).sum() + tau.sum()

    return said(network, points(9), irreps_in="cartesian_points", irreps_out=None, group=["o3"])


def dgl_vectors():
    dgl = pytest.importorskip("dgl", reason="the network runs on DGL graphs")
    source, target = (~torch.eye(5, dtype=torch.bool)).nonzero().T
    graph, pos = dgl.graph((source, target)), points(5)
    graph.ndata["pos"], graph.edata["d"] = pos, pos[target] - pos[source]
    return said(lambda graph: graph.edata["d"][:, 2].square().sum(), graph, group="so3")


def velocities():
    def network(h, x, edges, vel):
        i, j = edges
        d = x[i] - x[j]
        return x + torch.zeros_like(x).index_add(0, i, d * d.square().sum(-1, keepdim=True)) + h[:, :1] * vel

    i, j = (~torch.eye(5, dtype=torch.bool)).nonzero().T
    return said(network, torch.rand(5, 4), points(5), [i, j], points(5).flip(0), group="se3")


def padding(bug):
    def network(coords, mask):
        weight = mask.to(coords)[..., None]
        count = coords.shape[1] if bug else weight.sum(1, keepdim=True)
        centred = coords - (coords * weight).sum(1, keepdim=True) / count
        return (centred.norm(dim=-1, keepdim=True) * weight).sum(1)

    torch.manual_seed(0)
    mask = torch.arange(10) < torch.tensor([10, 7, 5])[:, None]
    return said(network, torch.randn(3, 10, 3) * mask[..., None], mask, group=["se3", "batch"])


def unequal_samples():
    def network(pos, batch):
        count = int(batch.max()) + 1
        centre = pos.new_zeros(count, 3).index_add(0, batch, pos) / batch.bincount()[:, None]
        return pos.new_zeros(count, 1).index_add(0, batch, (pos - centre[batch]).norm(dim=1, keepdim=True))

    return said(network, points(20), torch.tensor([0] * 11 + [1] * 9), group=["se3", "permutation", "batch"])


def cell(count):
    def network(z, pos, cell):
        d = (pos[:, None] - pos) @ torch.linalg.inv(cell)
        d = (d - torch.sin(2 * torch.pi * d)) @ cell
        return (z[:, None] * z * torch.exp(-d.square().sum(-1))).sum()

    torch.manual_seed(0)
    lattice = 4 * torch.eye(3) + 0.1 * torch.randn(3, 3)
    return said(network, torch.arange(count) % 5, torch.rand(count, 3) @ lattice, lattice, group=["o3", "permutation"])


def chosen_atoms():
    def network(z, pos, atoms):
        x, q = pos[atoms], z[atoms]
        return (q[:, None] * q * torch.exp(-(x[:, None] - x).square().sum(-1))).sum()

    return said(network, torch.arange(8) % 5 + 1, points(8), torch.tensor([6, 1, 4]), group=["se3", "permutation"])


def image(border):
    torch.manual_seed(0)
    convolve = nn.Conv2d(1, 4, 3, padding=1)
    network = SimpleNamespace(run=lambda img: torch.relu(nn.functional.conv2d(img, convolve.weight.to(img), padding=1)))
    picture = nn.functional.pad(torch.randn(2, 1, 6, 6), (border,) * 4)
    return said(lambda img: network.run(img).mean((2, 3)), picture, irreps_in=PERIODIC, irreps_out=None,
                group="translation")  # fmt: skip


def batch_norm():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode, self.norm = nn.Linear(3, 8), nn.BatchNorm1d(8)

        def forward(self, pos):
            return self.norm(self.encode(pos).relu().amax(1))

    torch.manual_seed(0)
    laws = eq.CartesianPoints(nodes=1, batch=0), eq.Invariant(nodes=None, batch=0)
    return said(Network(), torch.randn(2, 12, 3), irreps_in=laws[0], irreps_out=laws[1], group=["so3", "batch"])


class Noise(nn.Module):
    """One random factor for each vector."""

    def forward(self, v):
        return v + 0.1 * torch.rand_like(v[..., :1]) * v


def random_numbers():
    torch.manual_seed(0)
    return said(Noise(), torch.randn(8, 4, 3), irreps_in=["1x1o"], irreps_out="1x1o", group="o3")


def coincident_points():
    return said(lambda pos: (pos - pos.mean(0)).square().sum(-1), torch.zeros(2, 3), irreps_in="cartesian_points",
                irreps_out=None, group="so3")  # fmt: skip


def atoms():
    torch.manual_seed(0)
    return torch.randint(0, 5, (7,)), torch.randn(7, 3)


ALL = "translation+ rotation+ permutation+"
EDGES = (~torch.eye(7, dtype=torch.bool)).nonzero().T.contiguous()
PROGRAMS = {
    "zero_init_flip": (lambda: said(Distances(True, True), points()), "translation- rotation- permutation+"),
    "zero_init_flip, gate": (lambda: said(Gated(0.0), points()), "translation- rotation- permutation+"),
    "zero_heads_painn": (lambda: said(Vectors(True, True), *atoms()), "translation+ rotation- permutation+"),
    "hidden_states": (lambda: said(TrainingOnly(0.0), points()), "translation- rotation- permutation+"),
    "hidden_states, 1e-6": (lambda: said(Gated(1e-6), points()), "translation- rotation- permutation+"),
    "r3_illconditioned_hides": (torsions, "rotation- inversion-"),
    "pointnet_permutation, BCN": (lambda: pointnet("BCN", True), "permutation-"),
    "pointnet_permutation, BNC": (lambda: pointnet("BNC", True), "permutation-"),
    "pointnet_permutation, NC": (lambda: pointnet("NC", True), "permutation-"),
    "pointnet, sound, BCN": (lambda: pointnet("BCN", False), "permutation+"),
    "list_of_clouds": (lambda: list_of_clouds(True), "translation+ rotation- permutation+"),
    "list_of_clouds, sound": (lambda: list_of_clouds(False), ALL),
    "edge_order": (lambda: said(Edges(True), points(), EDGES), "translation+ rotation+ permutation-"),
    "edge_order, sound": (lambda: said(Edges(False), points(), EDGES), ALL),
    "r2_vacuous_dgl": (dgl_vectors, "rotation-"),
    "r6_contradiction": (velocities, "translation+ rotation+"),
    "padding_leak": (lambda: padding(True), "translation- rotation+ batch-"),
    "padding_leak, sound": (lambda: padding(False), "translation+ rotation+ batch+"),
    "unequal_samples": (unequal_samples, f"{ALL} batch+"),
    "mini_cell": (lambda: cell(8), "rotation+ inversion+ permutation+"),
    "mini_cell, three atoms": (lambda: cell(3), "rotation+ inversion+ permutation+"),
    "mini_sublist": (chosen_atoms, ALL),
    "mini_default": (lambda: said(FirstNeighbours(), points()), "translation+ rotation+ permutation-"),
    "grid_false_reason": (lambda: image(0), "translation?"),
    "grid_false_reason, border": (lambda: image(4), "translation+"),
    "r5_batchnorm_pool": (batch_norm, "rotation- batch+"),
    "mini_random": (random_numbers, "rotation+ inversion+"),
    "test_hypothesis_sound_fails": (coincident_points, "rotation?"),
}


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_verdict_is_right(program, table):
    run, right = PROGRAMS[program]
    torch.manual_seed(0)
    answer = run()
    table.append((program, f"{answer} (right)" if answer == right else f"{answer} (WRONG: {right})"))
    assert answer == right
