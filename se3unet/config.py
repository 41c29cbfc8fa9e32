"""Settings of the SE(3)-Unet, read by `model` and by the settings of a training. It builds no layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from equivariance_zoo.training.settings import choice, is_number, known_keys, shown, whole
from se3unet.layers.block import (
    MESSAGE_MODES,
    SELF_INTERACTION_MODES,
    SKIP_MODES,
    BlockSettings,
    MessageMode,
    SelfInteractionMode,
    SkipMode,
)
from se3unet.layers.kernel import RelativeMode
from se3unet.layers.pool import POOLINGS, Pooling

_CHOICES: dict[str, tuple[str, ...]] = {
    "pooling": POOLINGS,
    "messages": MESSAGE_MODES,
    "relative_positions": ("concatenate", "add"),
    "skip": SKIP_MODES,
    "self_interaction": SELF_INTERACTION_MODES,
    "last_self_interaction": SELF_INTERACTION_MODES,
}
_RANGES = {
    "levels": (1, 8),
    "max_degree": (1, 8),
    "neighbours": (2, 4096),
    "blocks": (1, 32),
    "heads": (1, 256),
    "landmarks": (1, 4096),
    "head_width": (1, 16384),
}
"""Least and largest value. The largest are far beyond use: a file must not ask for years or terabytes."""

_MOST_CHANNELS = 1024
"""Largest number of channels of all degrees together."""


@dataclass(frozen=True)
class SE3UnetConfig:
    """Settings of the SE(3)-Unet. The defaults are those of the report (section 8), if it names them.

    Attributes:
        levels: Number of poolings.
        channels: Channels of each degree, one number for all levels as in the report, or one per level, the finest
            first. A coarser level has fewer edges, so that more channels cost little there.
        max_degree: Highest degree of the features; all degrees from 0 are kept throughout.
        neighbours: k of every graph.
        blocks: Residual blocks of each transformer.
        pool_ratio: Fraction of the points that each pooling drops.
        pooling: 'sum', 'mean' or 'max' over each neighbourhood.
        messages: 'attention', or 'convolution' without it.
        heads: Attention heads; they divide the channels.
        relative_positions: Edge vectors are 'concatenate'd to the features of the source, or 'add'ed.
        skip: 'concatenate' input and messages before the self-interaction, or 'sum' them after it.
        self_interaction: '1x1' or 'attentive'.
        last_self_interaction: Self-interaction of the last layer, '1x1' or 'attentive'.
        power: Power of the inverse distances in upsampling.
        landmarks: Number of heatmaps.
        head_width: Hidden units of the head.

    Raises:
        ValueError: If a setting is out of range; the message names the setting, its value and the expected value.
    """

    levels: int = 1
    channels: int | tuple[int, ...] = 5
    max_degree: int = 2
    neighbours: int = 40
    blocks: int = 3
    pool_ratio: float = 0.35
    pooling: Pooling = "sum"
    messages: MessageMode = "attention"
    heads: int = 1
    relative_positions: RelativeMode = "concatenate"
    skip: SkipMode = "concatenate"
    self_interaction: SelfInteractionMode = "1x1"
    last_self_interaction: SelfInteractionMode = "attentive"
    power: float = 2.0
    landmarks: int = 68
    head_width: int = 128

    def __post_init__(self) -> None:
        """Checks every setting."""
        for name, (least, most) in _RANGES.items():
            whole(name, getattr(self, name), least, most)
        self._check_channels()
        for name, choices in _CHOICES.items():
            choice(name, getattr(self, name), choices)
        ratio, power = self.pool_ratio, self.power
        if not is_number(ratio) or not 0 <= ratio < 1:
            raise ValueError(f"pool_ratio: expected a fraction of points to drop, 0 <= ratio < 1, got {shown(ratio)}")
        if not is_number(power) or power <= 0:
            raise ValueError(f"power: expected a finite number above 0, got {shown(power)}")

    def _check_channels(self) -> None:
        given, levels = self.channels, self.levels + 1
        counts = given if isinstance(given, tuple) else levels * (given,)
        if len(counts) != levels or any(type(count) is not int or count < 1 for count in counts):
            raise ValueError(f"channels: expected a whole number, 1 or more, or {levels} of them, got {shown(given)}")
        if max(counts) * (self.max_degree + 1) > _MOST_CHANNELS:
            expected = f"at most {_MOST_CHANNELS} channels of all degrees from 0 to {self.max_degree}"
            raise ValueError(f"channels: expected {expected}, got {shown(given)}")
        if any(count % self.heads for count in counts):
            raise ValueError(f"heads: expected a divisor of channels={given}, got {self.heads}")

    @property
    def channels_by_level(self) -> tuple[int, ...]:
        """Channels of each degree at each of the levels + 1 levels, the finest first."""
        return self.channels if isinstance(self.channels, tuple) else (self.levels + 1) * (self.channels,)

    @property
    def block_settings(self) -> BlockSettings:
        """Returns the settings of the residual blocks."""
        return BlockSettings(self.messages, self.heads, self.relative_positions, self.skip, self.blocks)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> SE3UnetConfig:
        """Builds a configuration from a mapping, such as `to_dict` returns. Missing settings keep their defaults.

        Raises:
            ValueError: If a key is unknown or a value out of range.
        """
        known_keys("settings", settings, [field.name for field in fields(cls)])
        # Files write tuples as lists.
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()
        }
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as plain values."""
        return asdict(self)
