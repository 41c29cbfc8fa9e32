"""Settings of the networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from e3nn import o3

from equivariance_zoo.training.settings import boolean, built, whole


@dataclass(frozen=True)
class Stage:
    """Layers of one width.

    Attributes:
        irreps: of the fields that come out.
        stride: of the first layer.
        blocks: layers; in a residual network blocks of two.
    """

    irreps: str
    stride: int = 1
    blocks: int = 1

    def __post_init__(self) -> None:
        """Check every setting."""
        object.__setattr__(self, "irreps", _irreps("irreps", self.irreps))
        for name in ("stride", "blocks"):
            whole(name, getattr(self, name))


@dataclass(frozen=True)
class NetworkConfig:
    """Settings of a classifier of voxel grids.

    Attributes:
        classes: number of classes.
        stages: the widths, one after the other.
        irreps_in: of the input fields.
        kernel_size: taps of every kernel along each axis.
        first_size: taps of the first kernel, None for `kernel_size`.
        strided_size: taps of the later kernels with a stride, before the low-pass filter; None for `kernel_size`.
        residual: blocks of two convolutions with a shortcut, in place of single convolutions.
        normalize: batch normalization before each nonlinearity.
        periodic: grids wrap around.
        parity: inversions count: the classes do not tell a shape from its mirror image.

    Raises:
        ValueError: a setting is out of range; it names the setting, its value and what was expected.
    """

    classes: int
    stages: tuple[Stage, ...]
    irreps_in: str = "1x0e"
    kernel_size: int = 5
    first_size: int | None = None
    strided_size: int | None = None
    residual: bool = False
    normalize: bool = True
    periodic: bool = False
    parity: bool = False

    def __post_init__(self) -> None:
        """Check every setting."""
        object.__setattr__(self, "irreps_in", _irreps("irreps_in", self.irreps_in))
        if not isinstance(self.stages, list | tuple) or not self.stages:
            raise ValueError(f"stages: expected a list of at least one, got {self.stages!r}")
        object.__setattr__(self, "stages", tuple(s if isinstance(s, Stage) else _stage(s) for s in self.stages))
        whole("classes", self.classes)
        whole("kernel_size", self.kernel_size)
        for name in ("first_size", "strided_size"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name))
        for name in ("residual", "normalize", "periodic", "parity"):
            boolean(name, getattr(self, name))

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> NetworkConfig:
        """Build a configuration from a mapping, such as `to_dict` gives; what it leaves out keeps its default.

        Raises:
            ValueError: a key is unknown or missing, or a value out of range.
        """
        return built(cls, "settings", settings)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return asdict(self)

    def taps(self, layer: int, stride: int) -> int:
        """Of the kernel of a layer, the low-pass filter not counted; layers (blocks) are counted from 0."""
        if layer == 0:
            return self.first_size or self.kernel_size
        return self.kernel_size if stride == 1 else self.strided_size or self.kernel_size


def tetris(classes: int = 8) -> NetworkConfig:
    """Four layers, for Tetris shapes on some 16 voxels; the last one makes scalars: norms do not tell mirror images.

    No layer has a stride: with one, some seeds tell mirror images apart by what holds in the trained orientation only.
    """
    stages = (Stage("4x0e + 4x1e + 2x2e", blocks=3), Stage("32x0e"))
    return NetworkConfig(classes, stages)


def shrec17(classes: int = 55) -> NetworkConfig:
    """Eight layers, for 64^3 voxels of a surface; 145 k parameters, 142 k on the slides, which give no widths."""
    stages = (
        Stage("4x0e + 4x1e + 2x2e", stride=2),
        Stage("8x0e + 8x1e + 4x2e"),
        Stage("32x0e + 16x1e + 8x2e", stride=2, blocks=4),
        Stage("76x0e + 38x1e + 19x2e", stride=2, blocks=2),
    )
    return NetworkConfig(classes, stages, strided_size=3)


def cath(classes: int = 10) -> NetworkConfig:
    """The residual network of ResNet34's stages and half its widths, for the densities of alpha carbons."""
    stages = (
        Stage("3x0e + 4x1e + 2x2e + 1x3e", blocks=3),
        Stage("6x0e + 8x1e + 4x2e + 2x3e", stride=2, blocks=4),
        Stage("12x0e + 16x1e + 8x2e + 4x3e", stride=2, blocks=6),
        Stage("24x0e + 32x1e + 16x2e + 8x3e", stride=2, blocks=3),
    )
    return NetworkConfig(classes, stages, kernel_size=3, first_size=7, residual=True)


def amino_acid(classes: int = 20) -> NetworkConfig:
    """The three layers of Torng and Altman's network, 100, 200 and 400 channels, on densities of C, N, O and S."""
    stages = (
        Stage("14x0e + 12x1e + 10x2e"),
        Stage("28x0e + 24x1e + 20x2e", stride=2),
        Stage("56x0e + 48x1e + 40x2e", stride=2),
    )
    return NetworkConfig(classes, stages, irreps_in="4x0e", kernel_size=3)


NETWORKS = {"tetris": tetris, "shrec17": shrec17, "cath": cath, "amino_acid": amino_acid}
"""The networks of the paper, by name."""


def _stage(settings: object) -> Stage:
    known = {field.name for field in fields(Stage)}
    if not isinstance(settings, Mapping) or "irreps" not in settings or set(settings) - known:
        raise ValueError(f"stages: expected tables with irreps and (if any) stride and blocks, got {settings!r}")
    return Stage(**settings)


def _irreps(name: str, value: object) -> str:
    try:
        return str(o3.Irreps(value))
    except (ValueError, AssertionError, TypeError) as error:
        raise ValueError(f"{name}: expected irreps in e3nn's notation, such as '8x0e + 4x1e', got {value!r}") from error
