"""Contracts are compared with a run that is recorded once: those read off the module may fail to fit, with a word."""

import pytest
import torch

from equivariance._engine.instrumentation.contract_fit import PassageLog, fit_contracts
from equivariance._engine.instrumentation.hooks import ROOT, LayerCall
from equivariance._engine.instrumentation.tensor_store import MemoryBudget
from equivariance.contracts.contract import Contract
from equivariance.errors import ContractError
from equivariance.groups.elements import permutation
from equivariance.representations import Irreps
from equivariance.representations.axes import AxisByLength, Layout

LAYER = LayerCall("layer")


@pytest.fixture
def passages():
    log = PassageLog(MemoryBudget())
    log.enter(ROOT, None, {"x": torch.zeros(4, 3)})
    log.enter(LAYER, ROOT, {"x": torch.zeros(4, 3), "weights": torch.zeros(5)})
    log.leave(LAYER, torch.zeros(4, 3))
    log.leave(ROOT, torch.zeros(4))
    return log.passages


def fit(passages, contract):
    return fit_contracts(passages, {"layer": contract}, [permutation(range(4))])


def test_a_stated_contract_that_does_not_fit_is_left_out_and_another_one_is_an_error(passages):
    wrong = Contract({"x": "2x1o"}, None, stated=True)
    assert "a last axis of 6" in fit(passages, wrong).mismatched["layer"]
    with pytest.raises(ContractError, match="layer: x"):
        fit(passages, Contract({"x": "2x1o"}, None))


def test_a_stated_contract_that_leaves_an_argument_out_is_incomplete(passages):
    partial = Contract({"x": "1x1o"}, "1x1o", stated=True)
    found = fit(passages, partial)
    assert found.incomplete == {"layer": partial}
    assert "weights" in found.mismatched["layer"]
    whole = Contract({"x": "1x1o", "weights": None}, "1x1o", stated=True)
    assert fit(passages, whole).mismatched == {}


def test_layers_with_axes_of_no_known_length_are_named(passages):
    def by_length(nodes):
        law = Irreps("1x1o", nodes=AxisByLength((Layout(((0, nodes),), 0, None),)), batch=None)
        return fit(passages, Contract({"x": law, "weights": None}, "1x1o"))

    assert by_length(4).unknown_axes == frozenset()
    assert by_length(7).unknown_axes == {"layer"}
