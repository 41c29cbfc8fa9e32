"""e3tools: convolutions, attention and perceptrons on e3nn's irreps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from e3nn import o3
from e3tools import nn as layers
from torch import Tensor, nn

from benchmarks.mutants.example import Example, Law
from benchmarks.mutants.modules import clouds

IRREPS, HARMONICS = "6x0e+4x1o+2x2e", "1x0e+1x1o+1x2e"
WIDTH = 28


class OnCloud(nn.Module):
    """A convolution from scalars, and the layer; harmonics and distances come from the positions."""

    def __init__(self, layer: nn.Module) -> None:
        """Keep the layer."""
        super().__init__()
        self.first = layers.Conv("6x0e", IRREPS, HARMONICS, 4)
        self.layer, self.irreps_out = layer, o3.Irreps(IRREPS)
        self.radial = nn.Linear(1, 4)

    def forward(self, feats: Tensor, pos: Tensor, edge_index: Tensor) -> Tensor:
        """Returns irreps [N, 28]."""
        ends = pos[edge_index[1]] - pos[edge_index[0]]
        harmonics = o3.spherical_harmonics(o3.Irreps(HARMONICS), ends, True, "component")
        lengths = self.radial(ends.norm(dim=-1, keepdim=True)).tanh()
        return self.layer(self.first(feats, edge_index, lengths, harmonics), edge_index, lengths, harmonics)


def on_cloud(make: Callable[..., nn.Module], **options: Any) -> Example:
    """A layer on a graph of eight nodes."""
    sizes = {"irreps_in": o3.Irreps(IRREPS), "irreps_out": o3.Irreps(IRREPS), "irreps_sh": o3.Irreps(HARMONICS),
             "edge_attr_dim": 4}  # fmt: skip
    tensors = {"feats": clouds.normal(8, 6), "pos": clouds.normal(8, 3, seed=1), "edge_index": clouds.pairs((8,))}
    laws = {"feats": clouds.FEATURES, "pos": clouds.POINTS, "edge_index": clouds.EDGES}
    return Example(
        lambda: OnCloud(make(**sizes, **options)), tensors, laws, (Law(IRREPS, nodes=0),),
        symmetries=("translation", "rotation", "inversion", "permutation", "edges"), components=(3, WIDTH),
    )  # fmt: skip


def alone(make: Callable[[], nn.Module], out: str = IRREPS) -> Example:
    """A layer on irreps [N, 28]."""
    return Example(
        make, {"x": clouds.normal(8, WIDTH)}, {"x": Law(IRREPS, nodes=0)}, (Law(out, nodes=0),),
        symmetries=("rotation", "inversion", "permutation"), components=(3, WIDTH),
    )  # fmt: skip


def perceptron() -> nn.Module:
    """With a hidden layer and a normalization."""
    return layers.EquivariantMLP(IRREPS, IRREPS, ["4x0e+4x1o+2x2e"], norm_layer=layers.LayerNorm)


def interaction(**sizes: Any) -> nn.Module:
    """A convolution beside a linear layer."""
    return layers.LinearSelfInteraction(layers.Conv(**sizes))


QUERY = {"irreps_query": o3.Irreps("4x0e+2x1o"), "irreps_key": o3.Irreps("4x0e+2x1o")}
MODULES = {
    "Conv": lambda: on_cloud(layers.Conv),
    "ConvBlock": lambda: on_cloud(layers.ConvBlock),
    "SeparableConv": lambda: on_cloud(layers.SeparableConv),
    "SeparableConvBlock": lambda: on_cloud(layers.SeparableConvBlock),
    "Attention": lambda: on_cloud(layers.Attention, **QUERY),
    "MultiheadAttention": lambda: on_cloud(layers.MultiheadAttention, num_heads=2, **QUERY),
    "TransformerBlock": lambda: on_cloud(layers.TransformerBlock, num_heads=2),
    "EquivariantMLP": lambda: alone(perceptron),
    "LayerNorm": lambda: alone(lambda: layers.LayerNorm(IRREPS)),
    "LinearSelfInteraction": lambda: on_cloud(interaction),
}
