"""Verdicts on networks of which nothing is declared: which axes list nodes, what moves, what are node numbers.

Each kind has a broken network and its sound twin. A broken one has a finding, whatever the layout of its inputs is.
"""

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal

SE3_AND_ORDER = ["se3", "permutation"]


def told(report):
    return {(symmetry, f.cause) for f in report.findings for symmetry in f.symmetries}


def verdicts(report):
    return {v.symmetry: v.words for v in report.verdicts}


def lines_on(report, place):
    return [line for line in report.assumptions if line.startswith(f"{place} ")]


class PointNet(nn.Module):
    """Pools the features of points, which lie along axis `points`, with x, y, z along axis `xyz`."""

    def __init__(self, bug, points, xyz):
        super().__init__()
        self.first, self.last = nn.Linear(3, 16), nn.Linear(16, 4)
        self.bug, self.points, self.xyz = bug, points, xyz

    def forward(self, points):
        features = self.first(points.movedim((self.points, self.xyz), (-2, -1))).relu()
        pooled = features.amax(-2)
        return self.last(pooled + features[..., 0, :] if self.bug else pooled)


LAYOUTS = {
    "samples, nodes, 3": ((4, 40, 3), 1, 2, "nodes on axis 1, samples on axis 0"),
    "samples, 3, nodes": ((4, 3, 40), 2, 1, "cartesian_points on axis 1, nodes on axis 2, samples on axis 0"),
    "nodes, samples, 3": ((40, 4, 3), 0, 2, "nodes on axis 0, samples on axis 1"),
    "nodes, 3": ((40, 3), 0, 1, "cartesian_points ("),
    "3, nodes": ((3, 40), 1, 0, "cartesian_points on axis 0, nodes on axis 1"),
    "as many samples as nodes": ((5, 3, 5), 2, 1, "nodes on axis 2, samples on axis 0"),
    "three nodes": ((4, 3, 3), 1, 2, "nodes on axis 1, samples on axis 0"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bug", [False, True])
def test_permutations_reorder_the_nodes_and_never_the_samples(layout, bug):
    shape, points, xyz, words = LAYOUTS[layout]
    torch.manual_seed(0)
    report = eq.diagnose(PointNet(bug, points, xyz), normal(*shape), group="permutation", samples=4)
    assert told(report) == ({("permutation", "order-dependent")} if bug else set()), report
    assert words in lines_on(report, "points")[0]


@pytest.mark.parametrize("layout", ["samples, nodes, 3", "samples, 3, nodes"])
def test_axes_that_the_runs_show_leave_no_doubt(layout):
    shape, points, xyz, _ = LAYOUTS[layout]
    report = eq.diagnose(PointNet(False, points, xyz), normal(*shape), group=["permutation", "batch"], samples=4)
    assert verdicts(report) == {"permutation": "holds", "batch": "holds"}
    (line,) = lines_on(report, "points")
    assert "each by itself" in line
    assert "they interact" in line


def coupled(points):
    return points.square().sum() + 0 * points.sum((0, 1))


def test_axes_that_the_runs_do_not_tell_apart_are_told_beside_the_verdict():
    report = eq.diagnose(coupled, normal(4, 6, 3), group="permutation", samples=4)
    assert verdicts(report) == {"permutation": "holds, if points [4, 6, 3] lists nodes on axis 1"}


class Channels(nn.Module):
    """Vectors [nodes, 3, channels], mixed over channels and relative to their mean over the nodes."""

    def __init__(self, bug):
        super().__init__()
        self.mix, self.bug = nn.Linear(4, 4, bias=False), bug

    def forward(self, vec):
        mixed = self.mix(vec - vec.mean(0))
        return mixed.relu() if self.bug else mixed * mixed.square().sum(1, keepdim=True)


@pytest.mark.parametrize("bug", [False, True])
def test_vectors_before_channels_are_named_by_their_axis(bug):
    torch.manual_seed(0)
    report = eq.diagnose(Channels(bug), normal(6, 3, 4), group=["so3", "permutation"], samples=4)
    assert {s for s, _ in told(report)} == ({"rotation"} if bug else set()), report
    assert "Cartesian tensor on axis 1, nodes on axis 0" in lines_on(report, "vec")[0]


def centred(foo):
    away = foo - foo.mean(2, keepdim=True)
    return away.norm(dim=1).amax(1), away


def fixed_axis(foo):
    away = foo - foo.mean(2, keepdim=True)
    return away.norm(dim=1).amax(1) + away[:, 2].square().sum(1)


def test_positions_without_a_name_are_found_on_an_inner_axis():
    report = eq.diagnose(centred, normal(2, 3, 16), group=["se3", "permutation", "batch"], samples=4)
    assert report.ok, report
    assert "cartesian_points on axis 1, nodes on axis 2, samples on axis 0" in lines_on(report, "foo")[0]
    assert "rotation" in {s for s, _ in told(eq.diagnose(fixed_axis, normal(2, 3, 16), group="se3", samples=4))}


def test_the_error_about_an_output_says_how_the_inputs_were_read():
    torch.manual_seed(0)
    with pytest.raises(
        eq.ArgumentError, match=r"output \[2, 4, 16\].*irreps_in=\{\"input\": eq.CartesianPoints\(.*axis=1"
    ):
        eq.diagnose(nn.Conv1d(3, 4, 1), normal(2, 3, 16), group="se3")


class Clouds(nn.Module):
    """The sizes of some clouds; the bug is in the first one only."""

    def __init__(self, bug):
        super().__init__()
        self.bug = bug

    def forward(self, clouds):
        found = []
        for number, cloud in enumerate(clouds.values() if isinstance(clouds, dict) else clouds):
            centred = cloud - cloud.mean(0)
            bug = centred[:, 2].square().sum() if self.bug and number == 0 else 0
            found.append(torch.cdist(centred, centred).square().sum() + bug)
        return torch.stack(found)


FIVE, EIGHT = normal(5, 3), normal(8, 3, seed=1)
LISTS = {
    "list": [FIVE, EIGHT],
    "tuple": (EIGHT, FIVE, FIVE + 1),
    "dict": {"ligand": FIVE, "receptor": EIGHT},
    "equal sizes": [FIVE, EIGHT[:5]],
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("bug", [False, True])
def test_clouds_of_one_list_move_together(name, bug):
    report = eq.diagnose(Clouds(bug), (LISTS[name],), group="se3", samples=4)
    assert ("rotation" in {s for s, _ in told(report)}) == bug, report
    assert report.ok == (not bug)
    told_of_clouds = [line for line in report.assumptions if line.startswith("clouds")]
    assert told_of_clouds
    assert all(": cartesian_points" in line for line in told_of_clouds)


def periodic(bug, cells):
    def energy(z, pos, cell):
        lattice = cell[0] if cells else cell
        away = pos[:, None] - pos[None]
        fractions = away @ torch.linalg.inv(lattice)
        away = (fractions - fractions.round()) @ lattice
        charges = z * torch.arange(1, len(z) + 1) if bug else z
        return (charges[:, None] * charges[None] * torch.exp(-away.square().sum(-1))).sum()

    return energy


@pytest.mark.parametrize("bug", [False, True])
@pytest.mark.parametrize("cells", [False, True])
@pytest.mark.parametrize("count", [8, 3])
def test_the_rows_of_a_cell_turn_and_list_no_nodes(count, cells, bug):
    cell = 4 * torch.eye(3) + 0.1 * normal(3, 3)
    pos = torch.rand(count, 3, generator=torch.Generator().manual_seed(0)) @ cell
    args = (torch.arange(count) % 5 + 1, pos, cell[None] if cells else cell)
    report = eq.diagnose(periodic(bug, cells), args, group=["e3", "permutation"], samples=4)
    assert told(report) == ({("permutation", "order-dependent")} if bug else set()), report
    assert "lists" not in lines_on(report, "cell")[0]
    assert lines_on(report, "cell")[0].partition(": ")[2].startswith("1x1o (")


def chosen(z, pos, atoms):
    near, kinds = pos[atoms], z[atoms]
    return (kinds[:, None] * kinds * torch.exp(-torch.cdist(near, near))).sum()


def by_place(z, pos, atoms):
    return chosen(z, pos, atoms) + atoms[0] * z[0]


def classes(z, pos, atoms):
    return torch.exp(-torch.cdist(pos, pos)).sum() + z.sum() + (nn.functional.one_hot(atoms, 8) * torch.arange(8)).sum()


def per_node(z, pos, atoms):
    return (z * atoms).sum() + torch.cdist(pos, pos).sum()


@pytest.mark.parametrize(
    ("function", "atoms", "broken", "words"),
    [
        (chosen, [6, 1, 4], False, "node numbers"),
        (by_place, [6, 1, 4], True, ""),
        (classes, [6, 1, 4], False, "unchanged"),
        (per_node, [0, 1, 2, 3, 3, 2, 1, 0], False, "unchanged"),
        (chosen, [0, 2, 2, 7, 1, 5, 6, 3], False, "node numbers"),
    ],
)
def test_whole_numbers_without_a_name_are_tried_as_node_numbers(function, atoms, broken, words):
    args = (torch.arange(8) % 5, normal(8, 3), torch.tensor(atoms))
    report = eq.diagnose(function, args, group=["e3", "permutation"], samples=4)
    assert ("permutation" in {s for s, _ in told(report)}) == broken, report
    assert report.ok == (not broken), report
    assert lines_on(report, "atoms")[0].partition(": ")[2].startswith(words)


class Velocities(nn.Module):
    """The step of an n-body network: differences of positions, and velocities."""

    def __init__(self, bug, in_place):
        super().__init__()
        self.far, self.along = nn.Linear(1, 1), nn.Linear(4, 1)
        self.bug, self.in_place = bug, in_place

    def forward(self, h, x, edges, vel):
        source, target = edges
        away = x[source] - x[target]
        push = torch.zeros_like(x).index_add(0, source, away * self.far((away * away).sum(-1, keepdim=True)))
        if self.in_place:
            x += push
        else:
            x = x + push
        return x + self.along(h) * vel + (0.1 * x[:, :1].square() if self.bug else 0)


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("bug", [False, True])
def test_positions_beside_named_velocities_are_positions(bug, in_place):
    torch.manual_seed(0)
    edges = list((~torch.eye(5, dtype=torch.bool)).nonzero().T)
    args = (normal(5, 4), normal(5, 3, seed=1), edges, normal(5, 3, seed=2))
    report = eq.diagnose(Velocities(bug, in_place), args, group="se3", samples=4)
    symmetries = {s for s, _ in told(report)} - {"none"}
    assert bool(symmetries) == bug, report
    if not bug:
        assert lines_on(report, "x")[0].partition(": ")[2].startswith("cartesian_points")
        assert {v.symmetry: v.verdict for v in report.verdicts} == {"translation": "holds", "rotation": "holds"}
    assert ("none", "nondeterministic") in told(report) or not in_place  # the argument is changed: a finding of its own


NODES = normal(5, 3)
SOURCE, TARGET = (~torch.eye(5, dtype=torch.bool)).nonzero().T


def dgl_graph(key, name):
    dgl = pytest.importorskip("dgl")
    graph = dgl.graph((SOURCE, TARGET))
    graph.ndata[key], graph.edata[name] = NODES, NODES[TARGET] - NODES[SOURCE]
    return graph


def pyg_graph(key, name):
    data = pytest.importorskip("torch_geometric.data")
    fields = {key: NODES, name: NODES[TARGET] - NODES[SOURCE], "edge_index": torch.stack([SOURCE, TARGET])}
    return data.Data(num_nodes=5, **fields)


def dict_graph(key, name):
    return {key: NODES, name: NODES[TARGET] - NODES[SOURCE], "edge_index": torch.stack([SOURCE, TARGET])}


class Differences(nn.Module):
    """Reads only the vectors along the edges."""

    def __init__(self, bug, name):
        super().__init__()
        self.bug, self.name = bug, name

    def forward(self, graph):
        vectors = (graph.edata if hasattr(graph, "edata") else graph)[self.name]
        return (vectors[:, 2] ** 2 if self.bug else vectors.square().sum(1) ** 2).sum()


@pytest.mark.parametrize("make", [dgl_graph, pyg_graph, dict_graph])
@pytest.mark.parametrize(("key", "name"), [("pos", "d"), ("x", "d"), ("foo", "edge_attr"), ("x", "weights")])
@pytest.mark.parametrize("bug", [False, True])
def test_rows_that_are_differences_move_with_the_positions(make, key, name, bug):
    report = eq.diagnose(Differences(bug, name), (make(key, name),), group="se3", samples=4)
    assert (("rotation", "frame-dependent") in told(report)) == bug, report
    assert report.ok == (not bug), report
    (line,) = [line for line in report.assumptions if "its rows are differences of rows of" in line]
    assert f"{name}" in line.partition(":")[0]
    assert ": 1x1o" in line


class Pairs(nn.Module):
    """Scalars and channels of vectors on nodes and on edges, as in geometric vector perceptrons; no positions."""

    def __init__(self, clips):
        super().__init__()
        self.scalars, self.vectors, self.clips = nn.Linear(6, 4), nn.Linear(2, 3, bias=False), clips

    def forward(self, x, edge_index, edge_attr):
        (s, v), (edge_s, edge_v), (source, target) = x, edge_attr, edge_index
        mixed = self.vectors(torch.cat([v[source], edge_v], 1).transpose(1, 2)).transpose(1, 2)
        mixed = mixed.clamp(-0.5, 0.5) if self.clips else mixed
        told = self.scalars(torch.cat([s[source], edge_s], 1))
        return s.index_add(0, target, told), v.index_add(0, target, mixed.sum(1, keepdim=True))


@pytest.mark.parametrize("clips", [False, True])
def test_channels_of_vectors_on_nodes_and_edges_are_no_positions(clips):
    torch.manual_seed(0)
    x, edge_attr = (torch.randn(8, 4), torch.randn(8, 1, 3)), (torch.randn(36, 2), torch.randn(36, 1, 3))
    report = eq.diagnose(Pairs(clips), (x, torch.randint(0, 8, (2, 36)), edge_attr), group=["se3", "permutation"])
    verdicts = {v.symmetry: v.verdict for v in report.verdicts}
    assert verdicts["permutation"] == "holds"
    assert verdicts["rotation"] == ("broken" if clips else "holds")
    assert verdicts["translation"] == "not tested" or clips
    assert report.ok != clips
