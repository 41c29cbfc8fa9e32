"""Blocks of the SE(3)-Transformer (report, sections 3 and 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from e3nn import o3
from torch import nn

from se3unet.geometry.edges import Edges
from se3unet.layers.attention import MultiHeadAttention, TFNConvolution
from se3unet.layers.fibers import Fibers
from se3unet.layers.interaction import AttentiveSelfInteraction, ConcatenateSkip, SelfInteraction, SumSkip
from se3unet.layers.kernel import RelativeMode
from se3unet.layers.norms import NormBias

MessageMode = Literal["attention", "convolution"]
SkipMode = Literal["concatenate", "sum"]
SelfInteractionMode = Literal["1x1", "attentive"]
MESSAGE_MODES: tuple[MessageMode, ...] = ("attention", "convolution")
SKIP_MODES: tuple[SkipMode, ...] = ("concatenate", "sum")
SELF_INTERACTION_MODES: tuple[SelfInteractionMode, ...] = ("1x1", "attentive")

# Norm below which the direction of a feature fades in the norm nonlinearity, in units of the features.
SOFTENING = 1.0


@dataclass(frozen=True)
class BlockSettings:
    """Settings that all blocks of a network share.

    Attributes:
        messages: 'attention', or 'convolution' without it.
        heads: Attention heads.
        relative_positions: Edge vectors are 'concatenate'd to the features of the source, or 'add'ed.
        skip: 'concatenate' input and messages before the self-interaction, or 'sum' them after it.
        blocks: Residual blocks of a transformer.
    """

    messages: MessageMode
    heads: int
    relative_positions: RelativeMode
    skip: SkipMode
    blocks: int = 3


class ResidualBlock(nn.Module):
    """Messages from the neighbourhood and a skip connection, joined by a self-interaction (GSE3Res; report, eq. 3)."""

    def __init__(
        self,
        irreps_in: o3.Irreps | str,
        irreps_out: o3.Irreps | str,
        settings: BlockSettings,
        self_interaction: SelfInteractionMode,
    ) -> None:
        """Sets up the layer, from fibers of `irreps_in` to fibers of `irreps_out`."""
        super().__init__()
        self.messages = self._message_layer(irreps_in, irreps_out, settings)
        interact = SelfInteraction if self_interaction == "1x1" else AttentiveSelfInteraction
        self.concatenates = settings.skip == "concatenate"
        if self.concatenates:
            self.skip: nn.Module = ConcatenateSkip(irreps_out, irreps_in)
            self.project = interact(self.skip.irreps_out, irreps_out)
            self.irreps_out = self.project.irreps_out
        else:
            self.project = interact(irreps_out, irreps_out)
            self.skip = SumSkip(irreps_out, irreps_in)
            self.irreps_out = self.skip.irreps_out
        self.irreps_in = self.messages.irreps_in

    @staticmethod
    def _message_layer(
        irreps_in: o3.Irreps | str, irreps_out: o3.Irreps | str, settings: BlockSettings
    ) -> MultiHeadAttention | TFNConvolution:
        if settings.messages == "convolution":
            return TFNConvolution(irreps_in, irreps_out, settings.relative_positions)
        return MultiHeadAttention(irreps_in, irreps_out, settings.heads, settings.relative_positions)

    def forward(self, fibers: Fibers, edges: Edges) -> Fibers:
        """Maps fibers [B, N, C_l, 2l+1] to fibers [B, N, C'_l, 2l+1] on the same nodes."""
        messages = self.messages(fibers, edges)
        if self.concatenates:
            return self.project(self.skip(messages, fibers))
        return self.skip(self.project(messages), fibers)


class SE3Transformer(nn.Module):
    """Residual blocks, three of them in the report (section 7), with a norm nonlinearity between every two."""

    def __init__(
        self,
        irreps_in: o3.Irreps | str,
        irreps_out: o3.Irreps | str,
        settings: BlockSettings,
        self_interaction: SelfInteractionMode,
        last_self_interaction: SelfInteractionMode,
    ) -> None:
        """Sets up the blocks. The inner fibers are also `irreps_out`."""
        super().__init__()
        kinds = [*(settings.blocks - 1) * [self_interaction], last_self_interaction]
        self.blocks = nn.ModuleList(
            ResidualBlock(irreps_out if number else irreps_in, irreps_out, settings, kind)
            for number, kind in enumerate(kinds)
        )
        self.norms = nn.ModuleList(NormBias(irreps_out, SOFTENING) for _ in kinds[1:])
        self.irreps_in, self.irreps_out = o3.Irreps(irreps_in), o3.Irreps(irreps_out)

    def forward(self, fibers: Fibers, edges: Edges) -> Fibers:
        """Maps fibers [B, N, C_l, 2l+1] to fibers [B, N, C'_l, 2l+1] on the same nodes."""
        first, *others = self.blocks
        fibers = first(fibers, edges)
        for norm, block in zip(self.norms, others, strict=True):
            fibers = block(norm(fibers), edges)
        return fibers
