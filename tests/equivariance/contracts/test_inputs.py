"""``check`` and ``diagnose`` without declarations: read off, assumed, asked about."""

import pytest
import torch
from e3nn import nn as e3nn_nn
from e3nn import o3
from e3nn.nn.models.v2106.gate_points_networks import SimpleNetwork

import equivariance as eq
from equivariance.contracts.callables import as_module
from equivariance.contracts.declared import declared_contract
from equivariance.contracts.inputs import inputs_of
from equivariance.errors import ArgumentError, UndeclaredTensorError
from equivariance.representations import CartesianPoints, Invariant, Irreps, NodeIndices
from tests.equivariance.helpers.specimens import normal

EDGES = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])


def told(report):
    return {(layer, symmetry, f.cause) for f in report.findings for layer in f.layers for symmetry in f.symmetries}


def energy(pos, z, edge_index):
    source, target = edge_index
    return ((pos[target] - pos[source]).norm(dim=-1) * z[target]).sum()


def numbered(pos, z, edge_index):
    return energy(pos, z, edge_index) * (1 + edge_index[0, 0])


def absolute(pos, z, edge_index):
    return energy(pos, z, edge_index) + (pos.norm(dim=-1) * z).sum()


ARGS = (normal(6, 3), torch.arange(1, 7), EDGES)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (energy, set()),
        (numbered, {("", "permutation", "order-dependent")}),
        (absolute, {("", "translation", "absolute-position")}),
    ],
)
def test_nothing_needs_to_be_declared_of_inputs_that_tell_themselves(function, expected):
    report = eq.check(function, ARGS, irreps_out=None, group=["e3", "permutation"], samples=4)
    assert told(report) == expected, report
    lines = "\n".join(report.assumptions)
    assert "pos [6, 3]: cartesian_points, nodes on axis 0 (its name; its last axis is 3)" in lines
    assert "edge_index [2, 6]: node numbers, edges on axis 1 (its name; whole numbers from 0 to 5)" in lines


def test_the_line_that_changes_an_assumption_can_be_pasted():
    report = eq.check(energy, ARGS, irreps_out=None, samples=2)
    line = next(line for line in report.assumptions if "irreps_in=" in line)
    declared = eval(line.partition("irreps_in=")[2], {"eq": eq})
    again = eq.check(energy, ARGS, declared, None, samples=2)
    assert again.ok
    assert not [line for line in again.assumptions if "irreps_in" in line]


def test_none_still_means_unchanged_and_a_declaration_must_be_whole():
    assert told(eq.check(absolute, ARGS, (None, None, None), None, samples=2)) == set()
    with pytest.raises(UndeclaredTensorError, match="args: z="):
        eq.check(energy, ARGS, {"pos": "cartesian_points"}, None)


def field(pos, foo):
    centred = pos - pos.mean(0)
    return (centred * foo).sum(), foo.norm()


def from_points(pos, foo):
    return (pos - foo).norm(dim=-1)


def ignores(pos, foo):
    return (pos - pos.mean(0)).norm(dim=-1) + foo.sum(-1)


@pytest.mark.parametrize(
    ("function", "symmetry", "law"),
    [(field, "rotation", "1x1o"), (from_points, "translation", "cartesian_points")],
)
def test_geometry_that_nobody_declared_is_decided_by_runs_and_told(function, symmetry, law):
    report = eq.check(function, (normal(6, 3), normal(6, 3, seed=1)), irreps_out=None, group="e3", samples=3)
    assert report.ok, report
    (line,) = [line for line in report.assumptions if line.startswith("foo")]
    assert line.startswith(
        f"foo [6, 3]: {law} (its last axis is 3; the output is right so; unchanged, it would be off by"
    )
    assert line.endswith(f" under {symmetry})")
    pasted = next(line for line in report.assumptions if "irreps_in=" in line).partition("irreps_in=")[2]
    declared = eval(pasted, {"eq": eq})
    assert eq.check(function, (normal(6, 3), normal(6, 3, seed=1)), declared, None, group="e3", samples=3).ok


def test_what_is_right_unchanged_is_no_finding():
    report = eq.check(ignores, (normal(6, 3), normal(6, 3, seed=1)), irreps_out=None, group="e3", samples=3)
    assert report.ok, report
    line = next(line for line in report.assumptions if "foo: the output is right with it unchanged" in line)
    assert "were it positions, off by" in line
    assert "declare it if it moves with the pose" in line


def test_edge_vectors_that_were_made_before_the_call_are_no_features():
    """Nothing else moves the output: with them unchanged every symmetry would hold of whatever is done with them."""

    def broken(pos, edge_attr):
        return edge_attr.relu().sum(0).norm()

    pos = normal(6, 3)
    report = eq.check(broken, (pos, pos[[1, 2, 3]] - pos[[0, 1, 5]]), group="e3", samples=3)
    assert ("", "rotation", "component-mixing") in told(report)


def test_a_broken_callable_is_not_excused_by_what_is_asked():
    """No law of ``foo`` explains the polynomial: the break is reported as such."""

    def broken(pos, foo):
        return (pos - pos.mean(0)).relu().sum() + foo[0, 0]

    report = eq.check(broken, (normal(6, 3), normal(6, 3, seed=1)), irreps_out=None, group="so3", samples=3)
    assert {f.cause for f in report.findings}.isdisjoint({"undeclared-input"})
    assert told(report)
    assert any("nothing tells how it transforms" in line for line in report.assumptions)


def test_a_break_beside_an_undeclared_input_is_found_too():
    def both(pos, foo):
        return ((pos - pos.mean(0)) * foo).sum() + 1e-3 * (pos - pos.mean(0)).relu().sum()

    report = eq.check(both, (normal(6, 3), normal(6, 3, seed=1)), irreps_out=None, group="so3", samples=3)
    assert ("", "rotation", "undeclared-input") in told(report)
    assert len(told(report)) > 1, report


def test_too_many_undeclared_inputs_are_refused():
    def many(a, b, c, d):
        return a + b + c + d

    with pytest.raises(ArgumentError, match=r"a, b, c, d.*at most 3"):
        eq.check(many, tuple(normal(4, 3, seed=i) for i in range(4)), irreps_out=None)


def network(**options):
    return SimpleNetwork(
        "2x0e", "1x0e+1x1o", max_radius=3.0, num_neighbors=4.0, num_nodes=6.0, mul=4, layers=1, **options
    )


STATED = {
    "Linear": (lambda: o3.Linear("4x0e+2x1o", "3x0e+1x1o"), lambda: normal(5, 10)),
    "BatchNorm": (lambda: e3nn_nn.BatchNorm("2x0e+2x1o"), lambda: normal(5, 8)),
    "Extract": (lambda: e3nn_nn.Extract("2x0e+1x1o", ["1x1o", "2x0e"], [(1,), (0,)]), lambda: normal(5, 5)),
    "FullyConnectedNet": (lambda: e3nn_nn.FullyConnectedNet([4, 8, 3], torch.tanh), lambda: normal(5, 4)),
    "S2Activation": (
        lambda: e3nn_nn.S2Activation(o3.Irreps("1x0e+1x1o"), torch.nn.functional.tanh, 30), lambda: normal(5, 4)
    ),
    "SphericalHarmonics": (lambda: o3.SphericalHarmonics([1, 2], True), lambda: normal(5, 3)),
    "SimpleNetwork": (network, lambda: ({"pos": normal(6, 3), "x": normal(6, 2)},)),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", STATED)
def test_modules_of_e3nn_need_nothing(name):
    make, args = STATED[name]
    report = eq.diagnose(make(), args(), group="se3" if name == "SimpleNetwork" else "o3", samples=2)
    assert report.ok, report
    assert any("(stated by " in line for line in report.assumptions) or name == "FullyConnectedNet"


class Leaky(o3.Linear):
    """Broken: adds a number to every component."""

    def forward(self, features):
        return super().forward(features) + 0.1


class Absolute(torch.nn.Module):
    """Broken: a network on a dict that looks at where the cloud is."""

    irreps_out = "1x0e+1x1o"

    def __init__(self):
        super().__init__()
        self.network = network()

    def forward(self, data):
        return self.network(data) * (1 + data["pos"].mean(0).norm())


@pytest.mark.slow
def test_broken_modules_are_found_without_a_declaration():
    report = eq.diagnose(Leaky("4x0e+2x1o", "3x0e+1x1o"), normal(5, 10), group="so3", samples=3)
    assert told(report) == {("", "rotation", "component-mixing")}, report
    data = ({"pos": normal(6, 3), "x": normal(6, 2)},)
    report = eq.diagnose(Absolute(), data, irreps_out="1x0e+1x1o", samples=2)
    assert told(report) == {("", "translation", "absolute-position")}, report
    assert {row.layer for row in report.layers} > {"", "network"}


def test_statements_come_before_names():
    """A module that states that its ``pos`` is a vector is believed."""

    class Vectors(torch.nn.Module):
        irreps_in, irreps_out = "1x1o", "1x1o"

        def forward(self, pos, z):
            return pos * z

    module = as_module(Vectors())
    inputs = inputs_of(module, {"pos": normal(4, 3), "z": normal(4, 1)})
    assert inputs.specs["pos"] == Irreps("1x1o")
    assert [a.place for a in inputs.assumptions] == ["z"]
    assert eq.check(Vectors(), (normal(4, 3), normal(4, 1)), group="e3", samples=2).ok


def test_a_statement_that_does_not_fit_gives_way_to_names():
    class Wrong(torch.nn.Module):
        irreps_in, irreps_out = "5x1o", "1x1o"

        def forward(self, vel):
            return vel * 2

    report = eq.check(Wrong(), normal(4, 3), samples=2)
    assert report.ok
    assert any(line.startswith("vel [4, 3]: 1x1o") for line in report.assumptions)


@pytest.mark.slow
def test_models_of_e3nn_state_their_fields_and_arguments():
    contract = declared_contract(network())
    assert contract.inputs["data"] == {"pos": CartesianPoints(), "x": Irreps("2x0e")}
    layer = declared_contract(network().mp)
    assert layer.inputs["node_features"] == Irreps("2x0e")
    assert isinstance(layer.inputs["edge_src"], NodeIndices)
    assert type(layer.inputs["edge_scalars"]) is Invariant


class Graph(torch.nn.Module):
    """Stands in for a module of nequip: irreps by key, a field added to the data."""

    __module__ = "nequip.nn"

    def __init__(self, factor):
        super().__init__()
        self.irreps_in = {"pos": o3.Irreps("1o"), "edge_index": None, "node_features": o3.Irreps("2x0e+1x1o")}
        self.irreps_out = {**self.irreps_in, "forces": o3.Irreps("1o")}
        self.register_buffer("factor", torch.tensor(factor))

    def forward(self, data):
        source, target = data["edge_index"]
        pushed = (data["pos"][target] - data["pos"][source]) * data["node_features"][source, :1] * self.factor
        return {**data, "forces": torch.zeros_like(data["pos"]).index_add(0, target, pushed)}


@pytest.mark.parametrize(
    ("factor", "expected"), [([1.0, 1, 1], set()), ([1.0, 1, 2], {("", "rotation", "frame-dependent")})]
)
def test_modules_of_nequip_state_their_data_by_key(factor, expected):
    data = {"pos": normal(6, 3), "edge_index": EDGES, "node_features": normal(6, 5), "num_atoms": torch.tensor([6])}
    report = eq.diagnose(Graph(factor), (data,), samples=3)
    assert told(report) == expected, report
    assert declared_contract(Graph(factor)).inputs["data"]["pos"] == CartesianPoints()
