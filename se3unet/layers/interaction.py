"""Self-interactions, which mix the channels of one node, and the two ways to join a skip connection."""

from __future__ import annotations

import torch
from e3nn import o3
from torch import Tensor, nn

from se3unet.layers.fibers import Fibers, channels_by_degree, check_fibers, fiber_irreps


def _require_degrees(irreps_in: o3.Irreps | str, irreps_out: o3.Irreps | str) -> None:
    missing = sorted(channels_by_degree(irreps_out).keys() - channels_by_degree(irreps_in).keys())
    if missing:
        raise ValueError(
            f"irreps_out: expected degrees that irreps_in={irreps_in} has, got degrees {missing} in {irreps_out}"
        )


class SelfInteraction(nn.Module):
    """Linear mixing of the channels within each degree, without bias: the 1x1 convolution, also the map of queries."""

    def __init__(self, irreps_in: o3.Irreps | str, irreps_out: o3.Irreps | str) -> None:
        """Creates one matrix [C_out, C_in] per degree of `irreps_out`; other degrees of `irreps_in` are dropped.

        Raises:
            ValueError: If `irreps_out` has a degree that `irreps_in` lacks.
        """
        super().__init__()
        _require_degrees(irreps_in, irreps_out)
        self.irreps_in = o3.Irreps(irreps_in)
        self.irreps_out = o3.Irreps(irreps_out)
        channels_in = channels_by_degree(irreps_in)
        self.weight = nn.ParameterDict(
            {
                str(degree): torch.randn(count, channels_in[degree]) / channels_in[degree] ** 0.5
                for degree, count in channels_by_degree(irreps_out).items()
            }
        )

    def forward(self, features: Fibers) -> Fibers:
        """Maps fibers [..., C_in, 2l+1] to [..., C_out, 2l+1]."""
        check_fibers("features", features, self.irreps_in)
        return {int(degree): weight @ features[int(degree)] for degree, weight in self.weight.items()}


class AttentiveSelfInteraction(nn.Module):
    """Mixing of the channels within each degree by weights that depend on their inner products.

    The C_in^2 inner products of the channels are invariant; LayerNorm, leaky ReLU and a linear layer turn them into
    C_out C_in logits, and a softmax over the inputs into weights (SE(3)-Transformer, arXiv 2006.10503, eq. 12).
    """

    def __init__(self, irreps_in: o3.Irreps | str, irreps_out: o3.Irreps | str) -> None:
        """Creates one network per degree of `irreps_out`; other degrees of `irreps_in` are dropped.

        Raises:
            ValueError: If `irreps_out` has a degree that `irreps_in` lacks.
        """
        super().__init__()
        _require_degrees(irreps_in, irreps_out)
        self.irreps_in = o3.Irreps(irreps_in)
        self.irreps_out = o3.Irreps(irreps_out)
        channels_in = channels_by_degree(irreps_in)
        self.nets = nn.ModuleDict(
            {
                str(degree): self._net(channels_in[degree], count)
                for degree, count in channels_by_degree(irreps_out).items()
            }
        )

    @staticmethod
    def _net(channels_in: int, channels_out: int) -> nn.Sequential:
        last = nn.Linear(channels_in**2, channels_in * channels_out)
        nn.init.kaiming_uniform_(last.weight)
        return nn.Sequential(nn.LayerNorm(channels_in**2), nn.LeakyReLU(), last)

    def forward(self, features: Fibers) -> Fibers:
        """Maps fibers [..., C_in, 2l+1] to [..., C_out, 2l+1]."""
        check_fibers("features", features, self.irreps_in)
        return {int(degree): self._attend(features[int(degree)], net) for degree, net in self.nets.items()}

    @staticmethod
    def _attend(feature: Tensor, net: nn.Module) -> Tensor:
        products = (feature @ feature.transpose(-1, -2)).flatten(-2)
        logits = net(products).unflatten(-1, (-1, feature.shape[-2]))
        return logits.softmax(-1) @ feature


class ConcatenateSkip(nn.Module):
    """Skip connection that appends the channels of the input to those of the output, in the degrees of the output."""

    def __init__(self, irreps_output: o3.Irreps | str, irreps_input: o3.Irreps | str) -> None:
        """Computes the output fibers."""
        super().__init__()
        self.irreps_in = (o3.Irreps(irreps_output), o3.Irreps(irreps_input))
        skipped = channels_by_degree(irreps_input)
        self.irreps_out = fiber_irreps(
            {degree: count + skipped.get(degree, 0) for degree, count in channels_by_degree(irreps_output).items()}
        )

    def forward(self, outputs: Fibers, inputs: Fibers) -> Fibers:
        """Joins outputs [..., C_l, 2l+1] and inputs [..., C'_l, 2l+1] to [..., C_l + C'_l, 2l+1]."""
        check_fibers("outputs", outputs, self.irreps_in[0])
        check_fibers("inputs", inputs, self.irreps_in[1])
        return {
            degree: torch.cat([feature, inputs[degree]], -2) if degree in inputs else feature
            for degree, feature in outputs.items()
        }


class SumSkip(nn.Module):
    """Skip connection that adds the input to the output. Missing degrees and channels count as zero."""

    def __init__(self, irreps_output: o3.Irreps | str, irreps_input: o3.Irreps | str) -> None:
        """Computes the output fibers: the larger number of channels of each degree."""
        super().__init__()
        self.irreps_in = (o3.Irreps(irreps_output), o3.Irreps(irreps_input))
        outputs, inputs = (channels_by_degree(irreps) for irreps in self.irreps_in)
        self.irreps_out = fiber_irreps(
            {degree: max(outputs.get(degree, 0), inputs.get(degree, 0)) for degree in outputs.keys() | inputs.keys()}
        )

    def forward(self, outputs: Fibers, inputs: Fibers) -> Fibers:
        """Adds outputs [..., C_l, 2l+1] and inputs [..., C'_l, 2l+1] to [..., max(C_l, C'_l), 2l+1]."""
        check_fibers("outputs", outputs, self.irreps_in[0])
        check_fibers("inputs", inputs, self.irreps_in[1])
        joined: Fibers = {}
        for degree in sorted(outputs.keys() | inputs.keys()):
            terms = [fibers[degree] for fibers in (outputs, inputs) if degree in fibers]
            joined[degree] = terms[0] if len(terms) == 1 else _add_channels(*terms)
        return joined


def _add_channels(first: Tensor, second: Tensor) -> Tensor:
    larger, smaller = (first, second) if first.shape[-2] >= second.shape[-2] else (second, first)
    padding = (0, 0, 0, larger.shape[-2] - smaller.shape[-2])
    return larger + nn.functional.pad(smaller, padding)
