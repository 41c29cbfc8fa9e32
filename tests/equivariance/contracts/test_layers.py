"""Which layers a key of ``contracts`` means."""

import pytest
from torch import nn

import equivariance as eq
from equivariance.contracts.layers import layer_contracts
from equivariance.errors import ChoiceError, ContractError
from tests.equivariance.helpers.specimens import normal


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4, bias=False)

    def forward(self, v):
        return self.lin(v.mT).mT


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Layer(), Layer()])
        self.last = Layer()

    def forward(self, v):
        for layer in self.layers:
            v = layer(v)
        return self.last(v)


OF_LAYER = eq.Contract({"v": "1x1o"}, "1x1o")
OF_LINEAR = eq.Contract({"input": None}, None)


@pytest.mark.parametrize(
    ("key", "contract", "expected"),
    [
        ("layers.*", OF_LAYER, {"layers.0", "layers.1"}),
        ("layers.[0]", OF_LAYER, {"layers.0"}),
        ("layers.[!0]", OF_LAYER, {"layers.1"}),
        ("*", OF_LAYER, {"last"}),  # a list of layers is not called
        ("layers.*.lin", OF_LINEAR, {"layers.0.lin", "layers.1.lin"}),
        ("*.lin", OF_LINEAR, {"last.lin"}),
        ("**.lin", OF_LINEAR, {"layers.0.lin", "layers.1.lin", "last.lin"}),
        ("l?st", OF_LAYER, {"last"}),
    ],
)
def test_a_star_is_one_step_of_a_path_and_two_stars_are_any(key, contract, expected):
    assert set(layer_contracts(Network(), {key: contract})) == expected


def test_the_error_names_the_key_and_the_layer():
    words = (
        r"contract of layers\.0\.lin \(contracts\['layers\.\*\*'\]\)=\['v'\]: expected names among its arguments, input"
    )
    with pytest.raises(ContractError, match=words):
        layer_contracts(Network(), {"layers.**": OF_LAYER})
    with pytest.raises(ContractError, match=r"contract of last=\['x'\]"):
        layer_contracts(Network(), {"last": eq.Contract({"x": None}, None)})
    with pytest.raises(ChoiceError, match=r"contracts='lay\*\.lin': expected one of"):
        layer_contracts(Network(), {"lay*.lin": OF_LINEAR})


def test_layers_by_glob_are_measured():
    report = eq.diagnose(
        Network(), normal(5, 4, 3), "1x1o", "1x1o", group="so3", contracts={"layers.*": OF_LAYER}, samples=2
    )
    assert report.ok
    assert {row.layer for row in report.layers} == {"", "layers.0", "layers.1"}
