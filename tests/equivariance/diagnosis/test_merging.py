"""Findings with one root are one finding."""

from dataclasses import replace

import pytest

from equivariance._engine.diagnosis.merging import merged
from equivariance.findings import Finding, Location

HERE = Location("net.py", 7, "return self.a(x) + self.b(x.relu())")
KINDS = {"convs.0": "Conv", "convs.1": "Conv", "head": "Head", "": "Net"}


def at(columns=None, line=7):
    return Location("net.py", line, HERE.source, columns)


def finding(layer="convs.0", symmetry="rotation", cause="component-mixing", location=HERE, located="confirmed", **more):
    return Finding(layer, symmetry, cause, f"evidence in {layer}", location=location, located=located, **more)


def roots(*findings):
    """The layers and symmetries of each finding that is left."""
    return [(f.layers, f.symmetries) for f in merged(findings, KINDS.__getitem__)]


def test_layers_of_one_class_that_run_one_statement_are_one_finding():
    found = [finding(contributed=0.5, error=1.0), finding("convs.1", contributed=0.2, error=2.0)]
    (one,) = merged(found, KINDS.__getitem__)
    assert (one.layer, one.layers) == ("convs.0", ("convs.0", "convs.1"))
    assert (one.error, one.contributed, one.evidence) == (1.0, 0.5, "evidence in convs.0")


def test_layers_of_one_class_stay_apart_at_different_statements():
    assert len(roots(finding(), finding("convs.1", location=at(line=8)))) == 2


def test_layers_of_other_classes_are_one_finding_only_with_one_expression_and_one_cause():
    """A helper function at fault has one cause wherever it is called; two layers in one line are two expressions."""
    assert len(roots(finding(location=at((8, 16))), finding("head", location=at((8, 16))))) == 1
    assert len(roots(finding(location=at((8, 16))), finding("head", location=at((20, 35))))) == 2
    other = finding("head", cause="frame-dependent", location=at((8, 16)))
    assert len(roots(finding(location=at((8, 16))), other)) == 2


def test_rotation_and_inversion_are_one_mistake_whatever_the_causes():
    found = finding(), finding(symmetry="inversion", cause="wrong-irrep", location=at((8, 16)))
    (one,) = merged(found, KINDS.__getitem__)
    assert one.symmetries == ("rotation", "inversion")
    assert one.evidence == "evidence in convs.0; under inversion it is wrong-irrep"


def test_rotation_explains_an_inversion_of_the_same_layer():
    inversion = finding(symmetry="inversion", cause="wrong-irrep", error=2.0, fix="a")
    rotation = replace(finding(mechanism="component-order", fix="b"), evidence="turned")
    (one,) = merged([inversion, rotation], KINDS.__getitem__)
    assert (one.symmetry, one.symmetries, one.error) == ("inversion", ("inversion", "rotation"), 2.0)
    assert (one.cause, one.mechanism, one.fix) == ("component-mixing", "component-order", "b")
    assert one.evidence == "turned; under inversion it is wrong-irrep"
    (other,) = merged([inversion, replace(rotation, layer="convs.1", layers=("convs.1",))], KINDS.__getitem__)
    assert (other.cause, other.fix) == ("wrong-irrep", "a")


def test_one_expression_is_one_mistake():
    shape = at((8, 16))
    assert roots(finding(location=shape), finding(symmetry="permutation", cause="order-dependent", location=shape)) == [
        (("convs.0",), ("rotation", "permutation"))
    ]


def test_an_equal_cause_is_one_mistake():
    found = [finding(symmetry=s, cause="unknown", location=at((c, c + 2))) for s, c in (("rotation", 8), ("batch", 20))]
    assert len(roots(*found)) == 1


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        # Raw coordinates enter a map: the whole expression contains the linear map.
        (("translation", "absolute-position", (8, 35)), ("rotation", "component-mixing", (8, 16)), 1),
        (("permutation", "order-dependent", (8, 16)), ("batch", "batch-coupled", (8, 35)), 1),
        (("rotation", "unknown", (8, 35)), ("batch", "batch-coupled", (8, 16)), 1),
        # Two calls beside each other, or causes that have nothing to do with each other.
        (("translation", "absolute-position", (20, 35)), ("rotation", "component-mixing", (8, 16)), 2),
        (("rotation", "component-mixing", (8, 35)), ("batch", "batch-coupled", (8, 16)), 2),
        (("permutation", "order-dependent", (8, 16)), ("rotation", "component-mixing", (20, 35)), 2),
    ],
)
def test_other_symmetries_are_one_mistake_if_cause_and_expression_fit(one, other, count):
    found = [finding(symmetry=s, cause=c, location=at(columns)) for s, c, columns in (one, other)]
    assert len(roots(*found)) == count


def test_without_a_statement_the_layer_and_the_cause_decide():
    forward = Location("net.py", 2, "def forward(self, x):")
    a, b = (finding(symmetry=s, location=forward, located="layer") for s in ("rotation", "batch"))
    assert roots(a, b) == [(("convs.0",), ("rotation", "batch"))]
    assert len(roots(a, finding("convs.1", location=forward, located="layer"))) == 2
    assert len(roots(a, finding(cause="unknown", location=forward, located="layer"))) == 2
    assert len(roots(a, finding(location=forward))) == 2


def test_no_python_source_is_no_common_place():
    assert len(roots(finding(location=None), finding("convs.1", location=None))) == 2


def test_a_jump_that_is_not_all_stays_apart_from_the_jump_alone():
    jump = finding(cause="discontinuous", located="layer")
    more = replace(jump, symmetry="inversion", symmetries=("inversion",))
    assert len(roots(jump, more)) == 1
    assert len(roots(jump, replace(more, evidence="a jump; the jump may not be all"))) == 2


def test_what_needs_no_transformation_stays_apart():
    assert len(roots(finding(symmetry="none", cause="unknown"), finding(cause="unknown"))) == 2


def test_a_forgotten_batch_vector_is_one_mistake_of_the_call():
    """The mean and the variance of a norm both run over the whole batch."""
    more = {"symmetry": "batch", "cause": "batch-coupled"}
    lines = [finding(location=at(line=n), mechanism="missing-batch-vector", **more) for n in (8, 10)]
    (one,) = merged(lines, KINDS.__getitem__)
    assert one.location.line == 8
    assert len(roots(*(finding(location=at(line=n), **more) for n in (8, 10)))) == 2


def test_the_first_finding_decides_if_it_is_confirmed_and_the_order_stays():
    found = [
        finding("head", location=at(line=9)),
        finding(located="suspect"),
        finding("", "none", "not-finite"),
        finding("convs.1", "inversion"),
    ]
    assert [(f.layers, f.located) for f in merged(found, KINDS.__getitem__)] == [
        (("head",), "confirmed"), (("convs.0", "convs.1"), "suspect"), (("",), "confirmed"),
    ]  # fmt: skip


def test_findings_that_are_joined_by_a_third_one_are_one():
    shift = finding(symmetry="translation", cause="absolute-position", location=at((20, 35)))
    turn = finding(location=at((8, 16)))
    both = finding("convs.1", "inversion", "absolute-position", location=at((8, 16)))
    assert len(roots(shift, turn)) == 2
    assert roots(shift, turn, both) == [(("convs.0", "convs.1"), ("translation", "rotation", "inversion"))]


def test_layers_and_symmetries_of_merged_findings_are_listed_once():
    wide = finding(symmetries=("rotation", "inversion"), layers=("convs.0", "convs.1"))
    assert roots(wide, finding("convs.1", "inversion"), finding("convs.1", "translation")) == [
        (("convs.0", "convs.1"), ("rotation", "inversion", "translation"))
    ]


def test_nothing_stays_nothing():
    assert merged([], KINDS.__getitem__) == []


def test_an_open_place_is_decided_by_another_symmetry():
    rotation = finding(location=at(line=9))
    inversion = finding(
        symmetry="inversion", cause="wrong-irrep", located="suspect", alternatives=(at(line=8), at(line=9)),
    )  # fmt: skip
    (one,) = merged([inversion, rotation], KINDS.__getitem__)
    assert (one.location.line, one.located, one.alternatives) == (9, "confirmed", ())
    (other,) = merged([rotation, inversion], KINDS.__getitem__)
    assert (other.location.line, other.located, other.alternatives) == (9, "confirmed", ())


def test_two_open_places_keep_what_both_allow():
    rotation = finding(located="suspect", location=at(line=7), alternatives=(at(line=8), at(line=9)))
    inversion = finding(
        symmetry="inversion", located="suspect", location=at(line=9), alternatives=(at(line=8), at(line=10)),
    )  # fmt: skip
    (one,) = merged([rotation, inversion], KINDS.__getitem__)
    assert one.located == "suspect"
    assert {one.location.line, *(a.line for a in one.alternatives)} == {8, 9}


def test_an_open_place_is_not_decided_elsewhere():
    inversion = finding(symmetry="inversion", located="suspect", alternatives=(at(line=8),))
    assert len(roots(inversion, finding(location=at(line=20)))) == 2
    assert len(roots(inversion, finding("head", location=at(line=8)))) == 2


def test_a_statement_and_the_layer_that_it_calls_are_one_mistake():
    """Of two layers of one class, one is named with its inner layer."""
    kinds = {**KINDS, "convs": "List", "convs.0.lin": "Linear", "other.lin": "Linear", "other": "Other"}
    found = [finding("convs.1", mechanism="component-bias"), finding("convs.0.lin", mechanism="component-bias")]
    (one,) = merged(found, kinds.__getitem__)
    assert one.layers == ("convs.1", "convs.0.lin")
    found[1] = finding("other.lin", mechanism="component-bias", location=at((8, 16)))
    assert len(merged(found, kinds.__getitem__)) == 2
