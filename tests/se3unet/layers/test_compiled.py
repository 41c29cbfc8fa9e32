"""Layers through torch.compile: what they compute, and that chunks of edges are not unrolled."""

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from equivariance_zoo import faces
from se3unet.geometry import edges
from se3unet.geometry.edges import EdgeGeometry
from se3unet.geometry.graph import KNNGraph
from se3unet.layers.attention import MultiHeadAttention, TFNConvolution

# Warnings of PyTorch 2.13's compiler about its own tracing.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning"),
]
FIBERS = "2x0e+2x1e"


@pytest.fixture(autouse=True)
def forgotten():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def attention():
    return MultiHeadAttention(FIBERS, FIBERS, 1, "concatenate").double()


def convolution():
    return TFNConvolution(FIBERS, FIBERS, "add").double()


def example(points):
    torch.manual_seed(0)
    positions = faces.sample(1).positions[:, :points].double()
    with torch.no_grad():
        graph = EdgeGeometry(1)(KNNGraph(6)(positions))
    return {degree: torch.randn(1, points, 2, 2 * degree + 1, dtype=torch.float64) for degree in (0, 1)}, graph


@pytest.mark.slow
@pytest.mark.parametrize("layer", [attention, convolution])
def test_messages_and_their_gradients_are_the_same(layer, monkeypatch):
    monkeypatch.setattr(edges, "edges_at_once", lambda _device: 60)
    fibers, graph = example(32)
    fibers = {degree: feature.requires_grad_() for degree, feature in fibers.items()}
    module = layer()
    found, expected = torch.compile(module, backend="aot_eager")(fibers, graph), module(fibers, graph)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)
    given = [*fibers.values(), *module.parameters()]
    gradients = [
        torch.autograd.grad(sum(message.square().sum() for message in messages.values()), given)
        for messages in (found, expected)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-11, atol=1e-13)


@pytest.mark.slow
def test_more_chunks_of_edges_are_no_more_to_compile(monkeypatch):
    (fibers, graph), compiled = example(64), []
    for size in (192, 24):  # two chunks of the 384 edges, sixteen chunks
        monkeypatch.setattr(edges, "edges_at_once", lambda _device, size=size: size)
        torch.compiler.reset()
        counter = CompileCounterWithBackend("eager")
        with torch.no_grad():
            torch.compile(attention(), backend=counter)(fibers, graph)
        compiled.append(counter.op_count)
    assert compiled[1] <= 1.2 * compiled[0]
