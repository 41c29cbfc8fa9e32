"""Settings of the SE(3)-Unet, read by `model` and by the settings of a training. It builds no layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from equivariance_zoo.training.fields import check_fields, setting
from equivariance_zoo.training.settings import known_keys, shown
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

    # The largest numbers are far beyond use: a file must not ask for years or terabytes.
    levels: int = setting(1, most=8)
    channels: int | tuple[int, ...] = 5
    max_degree: int = setting(2, most=8)
    neighbours: int = setting(40, least=2, most=4096)
    blocks: int = setting(3, most=32)
    pool_ratio: float = setting(0.35, below=1)
    pooling: Pooling = setting("sum", choices=POOLINGS)
    messages: MessageMode = setting("attention", choices=MESSAGE_MODES)
    heads: int = setting(1, most=256)
    relative_positions: RelativeMode = setting("concatenate", choices=("concatenate", "add"))
    skip: SkipMode = setting("concatenate", choices=SKIP_MODES)
    self_interaction: SelfInteractionMode = setting("1x1", choices=SELF_INTERACTION_MODES)
    last_self_interaction: SelfInteractionMode = setting("attentive", choices=SELF_INTERACTION_MODES)
    power: float = setting(2.0, above=0)
    landmarks: int = setting(68, most=4096)
    head_width: int = setting(128, most=16384)

    def __post_init__(self) -> None:
        """Checks every setting."""
        check_fields(self)
        self._check_channels()

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
