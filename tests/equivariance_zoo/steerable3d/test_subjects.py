"""The subject: exact on the lattice, at the grid's floor between its cells."""

import pytest

from equivariance.api import diagnose_subject
from equivariance.settings import Settings
from equivariance_zoo.steerable3d import NETWORKS, SteerableClassifier
from equivariance_zoo.steerable3d.contracts import network_contracts
from equivariance_zoo.steerable3d.subjects import steerable3d

CLAIMS = ("translation", "rotation", "batch")


def examined(group):
    return diagnose_subject(steerable3d(), group, Settings(samples=2, claims=CLAIMS))


@pytest.mark.slow
def test_it_is_exact_on_the_lattice():
    report = examined(["lattice", "batch"])
    assert report.ok, report
    assert not report.notes
    assert max(row.accumulated for row in report.layers) < 1e-12
    assert max(row.introduced for row in report.layers) < 1e-12


@pytest.mark.slow
def test_between_the_cells_it_is_as_good_as_the_grid():
    report = examined("se3")
    assert report.ok, report
    between = [row for row in report.layers if row.verdict == "grid"]
    assert {row.kind for row in between} >= {"SteerableConv3d", "Gated", "InvariantPool"}
    assert 1e-3 < max(row.accumulated for row in report.layers if row.layer == "") < 0.1


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_of_every_network_has_a_contract(name):
    model = SteerableClassifier(NETWORKS[name]())
    known = network_contracts(model)
    left = {type(m).__name__ for n, m in model.named_modules() if n and n not in known}
    assert left <= {"ModuleList", "KernelExpansion", "Identity"}
    spacings = [2 ** sum(s.stride == 2 for s in model.config.stages[: i + 1]) for i in range(len(model.config.stages))]
    assert known["pool"].inputs["fields"].spacing == spacings[-1]
