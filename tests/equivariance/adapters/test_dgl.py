"""DGL graphs as inputs, outputs and between layers: sound and broken under every symmetry."""

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance import Contract, GraphFields, NodeIndices
from equivariance.contracts.nested import cloned, leaves, map_tensors, transform
from equivariance.errors import ArgumentError, UndeclaredTensorError
from equivariance.groups import permutation, rotation, samples
from tests.equivariance.helpers.specimens import normal

dgl = pytest.importorskip("dgl", reason="needs DGL: pip install -e '.[dgl]'")

FIELDS = GraphFields(ndata={"x": "cartesian_points", "f": None, "v": "1x1o"}, edata={"d": None, "r": "1x1o"})
NODES = 7


def graph(seed=0, nodes=NODES, neighbours=3, dtype=torch.float64):
    points = normal(nodes, 3, seed=seed, dtype=dtype)
    nearest = torch.cdist(points, points).topk(neighbours + 1, largest=False).indices[:, 1:]
    target = torch.arange(nodes).repeat_interleave(neighbours)
    result = dgl.graph((nearest.flatten(), target), num_nodes=nodes)
    result.ndata["x"] = points
    result.ndata["f"] = normal(nodes, seed=seed + 100, dtype=dtype)
    result.ndata["v"] = normal(nodes, 3, seed=seed + 200, dtype=dtype)
    result.edata["r"] = points[target] - points[nearest.flatten()]
    result.edata["d"] = result.edata["r"].norm(dim=-1)
    return result


def batched(count=3):
    return dgl.batch([graph(seed) for seed in range(count)])


class Convolution(nn.Module):
    """Sound: weighted sum of edge vectors into their targets."""

    def message(self, given):
        return given.edata["r"] * (given.edata["d"] * given.ndata["f"][given.edges()[0]]).unsqueeze(-1)

    def forward(self, given):
        with given.local_scope():
            given.edata["m"] = self.message(given)
            given.update_all(dgl.function.copy_e("m", "m"), dgl.function.sum("m", "o"))
            return given.ndata["o"]


class AbsolutePositions(Convolution):
    def message(self, given):
        return given.ndata["x"][given.edges()[0]] * given.edata["d"].unsqueeze(-1)


class Components(Convolution):
    def message(self, given):
        return torch.relu(super().message(given))


class NumberOfTheSource(Convolution):
    def message(self, given):
        return super().message(given) * (1 + given.edges()[0]).unsqueeze(-1)


class MeanOverTheBatch(Convolution):
    def forward(self, given):
        result = super().forward(given)
        return result - result.mean(0)


GROUPS = ["e3", "permutation", "batch"]


def told(report):
    return {(layer, symmetry, f.cause) for f in report.findings for layer in f.layers for symmetry in f.symmetries}


def output():
    return eq.Irreps("1x1o", nodes=0, batch=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Convolution, set()),
        (AbsolutePositions, {("", "translation", "absolute-position")}),
        (Components, {("", "rotation", "component-mixing"), ("", "inversion", "component-mixing")}),
        (NumberOfTheSource, {("", "permutation", "order-dependent"), ("", "batch", "batch-coupled")}),
        (MeanOverTheBatch, {("", "batch", "batch-coupled")}),
    ],
)
def test_layers_on_batched_graphs(layer, expected):
    report = eq.check(layer(), batched(), FIELDS, output(), group=GROUPS, samples=4)
    assert told(report) == expected, report


def test_a_single_graph_is_repeated_for_the_batch():
    assert eq.check(Convolution(), graph(), FIELDS, output(), group=GROUPS, samples=3).ok
    report = eq.check(MeanOverTheBatch(), dgl.batch([graph(0), graph(1)]), FIELDS, output(), group="batch", samples=3)
    assert told(report) == {("", "batch", "batch-coupled")}


class Writes(nn.Module):
    """Writes its result into the caller's graph."""

    def forward(self, given):
        given.ndata["v"] = given.ndata["v"] * 2
        return given.ndata["v"]


def test_writing_into_the_callers_graph_is_found():
    given = batched()
    before = given.ndata["v"].clone()
    report = eq.check(Writes(), given, FIELDS, output(), group="so3", samples=2)
    assert ("", "none", "nondeterministic") in told(report)
    assert "in place" in report.findings[0].evidence
    assert torch.equal(given.ndata["v"], before)


class GraphToGraph(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, given):
        result = given.local_var()
        result.ndata["v"] = given.ndata["v"] * torch.tensor(self.factor).to(given.ndata["v"])
        return result


class Network(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.first, self.second, self.third = GraphToGraph([2.0, 2, 2]), GraphToGraph(factor), GraphToGraph([3.0, 3, 3])

    def forward(self, given):
        return self.third(self.second(self.first(given))).ndata["v"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("factor", "expected"), [([1.0, 1, 1], set()), ([1.0, 1, 2], {("second", "rotation", "frame-dependent")})]
)
def test_graphs_pass_between_layers(factor, expected):
    contracts = {"*": Contract({"given": FIELDS}, FIELDS)}
    report = eq.diagnose(
        Network(factor), batched(), FIELDS, output(), group=["se3", *GROUPS[1:]], contracts=contracts, samples=3
    )
    assert told(report) == expected, report
    assert {row.layer for row in report.layers} == {"", "first", "second", "third"}


class LosesDigits(GraphToGraph):
    """Sound, by way of sums in which seven digits are lost."""

    def forward(self, given):
        result, far = given.local_var(), 1e7 * given.ndata["v"].mean(0)
        result.ndata["v"] = (given.ndata["v"] + far) - far
        return result


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rounding_is_measured_through_graphs(dtype):
    network = Network([1.0, 1, 1])
    network.second = LosesDigits([1.0, 1, 1])
    given = dgl.batch([graph(seed, dtype=dtype) for seed in range(3)])
    report = eq.diagnose(
        network, given, FIELDS, output(), group="so3", contracts={"*": Contract({"given": FIELDS}, FIELDS)}
    )
    assert report.ok, report
    assert {note.layer for note in report.notes} <= {"second"}


def test_graphs_between_layers_have_the_precision_that_is_judged():
    class Strict(GraphToGraph):
        def forward(self, given):
            assert {field.dtype for field in given.ndata.values()} == {torch.get_default_dtype()}
            return super().forward(given)

    network = Network([1.0, 1, 1])
    network.second = Strict([1.0, 1, 1])
    given = dgl.batch([graph(seed, dtype=torch.float32) for seed in range(2)])
    contracts = {"*": Contract({"given": FIELDS}, FIELDS)}
    assert eq.diagnose(network, given, FIELDS, output(), group="se3", contracts=contracts, samples=2).ok


def test_graphs_lie_within_dicts_and_lists():
    def function(given):
        return [Convolution()(given["graphs"][0])]

    given, spec = {"graphs": [batched()], "name": "x"}, {"graphs": [FIELDS]}
    assert eq.check(function, (given,), (spec,), [output()], group=GROUPS, samples=3).ok


def edges_by_position(given):
    source, target = given.edges()
    return sorted(map(tuple, torch.cat([given.ndata["x"][source], given.ndata["x"][target]], -1).tolist()))


def test_a_permutation_renumbers_nodes_and_keeps_edges():
    given = graph()
    moved = transform(given, Contract({"g": FIELDS}, None).inputs["g"], permutation(size=NODES, seed=1))
    assert edges_by_position(moved) == edges_by_position(given)
    assert not torch.equal(moved.ndata["x"], given.ndata["x"])
    assert torch.equal(moved.edata["d"], given.edata["d"])


def test_node_numbers_in_fields_follow_the_permutation():
    """Each node, and each edge, holds the number of the node that is nearest to it."""
    given = batched(2)
    source, _ = given.edges()
    given.ndata["next"], given.edata["source"] = (
        torch.roll(torch.arange(2 * NODES).reshape(2, NODES), 1, 1).flatten(),
        source,
    )
    fields = GraphFields({**FIELDS.ndata, "next": NodeIndices()}, {**FIELDS.edata, "source": NodeIndices()})
    moved = transform(given, Contract({"g": fields}, None).inputs["g"], permutation(size=NODES, seed=1))
    assert torch.equal(moved.edata["source"], moved.edges()[0])
    old = dict(zip(map(tuple, given.ndata["x"].tolist()), given.ndata["x"][given.ndata["next"]].tolist(), strict=True))
    new = dict(zip(map(tuple, moved.ndata["x"].tolist()), moved.ndata["x"][moved.ndata["next"]].tolist(), strict=True))
    assert new == old


def test_samples_are_selected_with_their_edges():
    given = batched()
    moved = transform(given, Contract({"g": FIELDS}, None).inputs["g"], samples([2, 0], of=3))
    parts, chosen = dgl.unbatch(given), dgl.unbatch(moved)
    assert len(chosen) == 2
    for old, new in ((2, 0), (0, 1)):
        assert torch.equal(parts[old].ndata["x"], chosen[new].ndata["x"])
        assert [e.tolist() for e in parts[old].edges()] == [e.tolist() for e in chosen[new].edges()]


def test_the_given_graph_is_never_written_to():
    given = batched()
    before = {k: v.clone() for k, v in given.ndata.items()}
    spec = Contract({"g": FIELDS}, None).inputs["g"]
    for element in (rotation([1, 2, 3]), permutation(size=NODES, seed=0), samples([1], of=3)):
        moved = transform(given, spec, element)
        moved.ndata["x"] = 0 * moved.ndata["x"]
        moved.ndata["new"] = moved.ndata["x"]
    copy = cloned(given)
    copy.ndata["x"].zero_()
    assert all(torch.equal(given.ndata[k], v) for k, v in before.items())
    assert set(given.ndata) == set(before)


@pytest.mark.parametrize("idtype", [torch.int32, torch.int64])
def test_walks_keep_structure_batches_and_integer_types(idtype):
    given = batched().int() if idtype == torch.int32 else batched().long()
    result = map_tensors(given, lambda t: t.clone())
    assert result.idtype == idtype
    assert result.batch_num_nodes().tolist() == given.batch_num_nodes().tolist()
    assert result.batch_num_edges().tolist() == given.batch_num_edges().tolist()
    moved = transform(given, Contract({"g": FIELDS}, None).inputs["g"], permutation(size=NODES, seed=0))
    assert moved.idtype == idtype


def test_a_field_without_a_representation_is_named():
    fields = GraphFields(ndata={"x": "cartesian_points", "v": "1x1o"}, edata={"d": None, "r": "1x1o"})
    with pytest.raises(UndeclaredTensorError, match=r"given\.ndata\['f'\]=.*tensor of shape \(21,\)"):
        eq.check(Convolution(), batched(), fields, output())


def test_graphs_of_unequal_size_are_permuted_each_in_its_own_way():
    given = dgl.batch([graph(0), graph(1, nodes=5)])
    placed = eq.Irreps("1x1o", nodes=0, batch=eq.Concatenated(0, (7, 5)))
    assert eq.check(Convolution(), given, FIELDS, placed, group=["e3", "permutation", "batch"], samples=4).ok
    with pytest.raises(ArgumentError, match=r"order=.*7 nodes.*expected one for graphs of \(7, 5\) nodes"):
        eq.check(Convolution(), given, FIELDS, placed, group=eq.groups.permutation(size=7, seed=0), samples=2)


def test_a_graph_needs_graph_fields():
    with pytest.raises(ArgumentError, match=r"GraphFields\(ndata=..., edata=...\) for a graph"):
        eq.check(Convolution(), graph(), "1x1o", output())


def test_leaves_name_their_fields():
    names = [path for path, _, _ in leaves(graph(), Contract({"g": FIELDS}, None).inputs["g"], "g")]
    assert names == [
        "g.edges[0]",
        "g.edges[1]",
        "g.ndata['x']",
        "g.ndata['f']",
        "g.ndata['v']",
        "g.edata['r']",
        "g.edata['d']",
    ]
