"""Code that nobody wrote: TorchScript, graphs of FX and torch.export, e3nn's products. No statement of it is named."""

import e3nn
import pytest
import torch
from e3nn import o3
from torch import Tensor, nn

import equivariance as eq
from tests.equivariance.helpers.clouds import Network, diagnosed, messages, told
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


class Sound(nn.Module):
    """Written so that all of TorchScript, FX and torch.export take it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(normal(4, 4, seed=2))

    def forward(self, x: Tensor) -> Tensor:
        difference = x[:, None] - x[None]
        weights = torch.exp(-torch.linalg.vector_norm(difference, dim=-1))
        v = (weights.unsqueeze(-1) * difference).sum(1)
        return (self.weight @ (v[:, None, :] * self.weight[:, :1])).sum(1)


class Broken(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(normal(4, 4, seed=2))

    def forward(self, x: Tensor) -> Tensor:
        difference = x[:, None] - x[None]
        weights = torch.exp(-torch.linalg.vector_norm(difference, dim=-1))
        v = torch.relu((weights.unsqueeze(-1) * difference).sum(1))
        return (self.weight @ (v[:, None, :] * self.weight[:, :1])).sum(1)


class Holding(nn.Module):
    def __init__(self, inner, broken=False):
        super().__init__()
        self.inner, self.broken = inner, broken

    def forward(self, x):
        v = self.inner(x)
        if self.broken:
            v = v.abs()
        return 2 * v


GENERATED = {
    "script": torch.jit.script,
    "trace": lambda module: torch.jit.trace(module, normal(10, 3)),
    "freeze": lambda module: torch.jit.freeze(torch.jit.script(module).eval()),
    "symbolic_trace": torch.fx.symbolic_trace,
    "export": lambda module: torch.export.export(module, (normal(10, 3),)).module(),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", GENERATED)
def test_generated_networks(how):
    """Nothing is named in them; what holds a broken one is named where it is called, the breaks around it as ever."""
    make = GENERATED[how]
    sound, broken = make(Sound()), make(Broken())
    assert diagnosed(sound).ok
    assert diagnosed(Holding(sound)).ok
    assert told(diagnosed(Holding(sound, broken=True))) == {("", "confirmed", "v = v.abs()")}
    assert told(diagnosed(Holding(broken))) == {("", "confirmed", "v = self.inner(x)")}
    alone = diagnosed(broken)
    assert told(alone) == {("", "layer", None)}
    assert "no Python source" in str(alone)


def bent(x: Tensor) -> Tensor:
    return torch.relu(x - x.mean(0))


class Calling(Network):
    def build(self):
        self.function = torch.jit.script(bent)

    def forward(self, x):
        v = messages(x)
        return self.function(v) if self.broken else v


def test_functions_of_torchscript():
    """They cannot be copied, and need not be."""
    assert told(diagnosed(torch.jit.script(bent))) == {("", "layer", None)}
    assert told(diagnosed(Calling(broken=True))) == {("", "confirmed", "return self.function(v) if self.broken else v")}
    assert diagnosed(Calling()).ok


class Product(Network):
    """e3nn's: compiled when it is made."""

    def build(self):
        self.lift = o3.Linear("1x1o", "4x1o")
        self.product = o3.FullyConnectedTensorProduct("4x1o", "1x0e+1x1o+1x2e", "4x1o+4x0e")
        self.gates = nn.Sequential(nn.Linear(1, 8), nn.SiLU(), nn.Linear(8, 4))
        self.gate, self.out = o3.ElementwiseTensorProduct("4x1o", "4x0e"), o3.Linear("4x1o", "2x1o")

    def forward(self, x):
        v = messages(x)
        harmonics = o3.spherical_harmonics("1x0e+1x1o+1x2e", v, normalize=True)
        h = self.product(self.lift(v), harmonics)[:, :12]
        if self.broken:
            h = torch.relu(h)
        return self.out(self.gate(h, self.gates(v.norm(dim=-1, keepdim=True))))


@pytest.fixture(params=[{"jit_script_fx": True}, {"jit_script_fx": False}], ids=["TorchScript", "FX"])
def codegen(request):
    """The two ways in which e3nn compiles its products."""
    before = e3nn.get_optimization_defaults()
    e3nn.set_optimization_defaults(**request.param)
    yield
    e3nn.set_optimization_defaults(**before)


@pytest.mark.slow
@pytest.mark.usefixtures("codegen")
def test_compiled_products_of_e3nn():
    output = eq.Irreps(irreps="2x1o", nodes=0, batch=None)
    sound = diagnosed(Product(), output, group=["o3", "permutation"])
    assert sound.ok, sound
    broken = diagnosed(Product(broken=True), output)
    assert told(broken) == {("", "confirmed", "h = torch.relu(h)")}, broken
