"""Settings of the networks, and the networks of the paper. It builds no layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from e3nn import o3

from equivariance_zoo.training.settings import boolean, build, shown, whole

# Far beyond use: a file must not ask for years or terabytes.
_MOST_BLOCKS, _MOST_TAPS, _MOST_CHANNELS, _HIGHEST_DEGREE, _MOST_CLASSES = 64, 31, 4096, 8, 100_000


@dataclass(frozen=True)
class Stage:
    """Layers of one width.

    Attributes:
        irreps: Irreps of the output fields.
        stride: Stride of the first layer.
        blocks: Number of layers; in a residual network, of blocks of two layers.
    """

    irreps: str
    stride: int = 1
    blocks: int = 1

    def __post_init__(self) -> None:
        """Checks every setting."""
        object.__setattr__(self, "irreps", _irreps("irreps", self.irreps))
        for name in ("stride", "blocks"):
            whole(name, getattr(self, name), most=_MOST_BLOCKS)


@dataclass(frozen=True)
class NetworkConfig:
    """Settings of a classifier of voxel grids.

    Attributes:
        classes: Number of classes.
        stages: The stages, in order.
        irreps_in: Irreps of the input fields.
        kernel_size: Taps of every kernel along each axis.
        first_size: Taps of the first kernel, None for `kernel_size`.
        strided_size: Taps of the later kernels with a stride, before the low-pass filter; None for `kernel_size`.
        residual: If True, blocks of two convolutions with a shortcut replace single convolutions.
        normalize: If True, batch normalization precedes each nonlinearity.
        periodic: If True, grids are periodic.
        parity: If True, the symmetry includes inversions: a shape and its mirror image are in one class.

    Raises:
        ValueError: If a setting is out of range; the message names the setting, its value and the expected value.
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
        """Checks every setting."""
        object.__setattr__(self, "irreps_in", _irreps("irreps_in", self.irreps_in))
        if not isinstance(self.stages, list | tuple) or not self.stages:
            raise ValueError(f"stages: expected a list of at least one, got {shown(self.stages)}")
        object.__setattr__(self, "stages", tuple(s if isinstance(s, Stage) else _stage(s) for s in self.stages))
        whole("classes", self.classes, most=_MOST_CLASSES)
        whole("kernel_size", self.kernel_size, most=_MOST_TAPS)
        for name in ("first_size", "strided_size"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), most=_MOST_TAPS)
        for name in ("residual", "normalize", "periodic", "parity"):
            boolean(name, getattr(self, name))

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> NetworkConfig:
        """Builds a configuration from a mapping, such as `to_dict` returns. Missing settings keep their defaults.

        Raises:
            ValueError: If a key is unknown or missing, or a value out of range.
        """
        return build(cls, "settings", settings)

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as plain values."""
        return asdict(self)

    def taps(self, layer: int, stride: int) -> int:
        """Returns the taps of a layer's kernel, without the low-pass filter. Layers (blocks) are numbered from 0."""
        if layer == 0:
            return self.first_size or self.kernel_size
        return self.kernel_size if stride == 1 else self.strided_size or self.kernel_size


def tetris(classes: int = 8) -> NetworkConfig:
    """Returns four layers for Tetris shapes on about 16 voxels. The last one gives scalars: norms ignore reflections.

    No layer has a stride. With a stride, some seeds classify mirror images by features of the trained orientation only.
    """
    stages = (Stage("4x0e + 4x1e + 2x2e", blocks=3), Stage("32x0e"))
    return NetworkConfig(classes, stages)


def shrec17(classes: int = 55) -> NetworkConfig:
    """Returns eight layers for 64^3 voxels of a surface; 145 k parameters (142 k on the slides, without widths)."""
    stages = (
        Stage("4x0e + 4x1e + 2x2e", stride=2),
        Stage("8x0e + 8x1e + 4x2e"),
        Stage("32x0e + 16x1e + 8x2e", stride=2, blocks=4),
        Stage("76x0e + 38x1e + 19x2e", stride=2, blocks=2),
    )
    return NetworkConfig(classes, stages, strided_size=3)


def cath(classes: int = 10) -> NetworkConfig:
    """Returns a residual network with ResNet34's stages and half its widths, for densities of alpha carbons."""
    stages = (
        Stage("3x0e + 4x1e + 2x2e + 1x3e", blocks=3),
        Stage("6x0e + 8x1e + 4x2e + 2x3e", stride=2, blocks=4),
        Stage("12x0e + 16x1e + 8x2e + 4x3e", stride=2, blocks=6),
        Stage("24x0e + 32x1e + 16x2e + 8x3e", stride=2, blocks=3),
    )
    return NetworkConfig(classes, stages, kernel_size=3, first_size=7, residual=True)


def amino_acid(classes: int = 20) -> NetworkConfig:
    """Returns Torng and Altman's three layers, 100, 200 and 400 channels, for densities of C, N, O and S."""
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
        raise ValueError(f"stages: expected tables with irreps and (if any) stride and blocks, got {shown(settings)}")
    return Stage(**settings)


def _irreps(name: str, value: object) -> str:
    try:
        irreps = o3.Irreps(value)
    except (ValueError, AssertionError, TypeError, RecursionError) as error:
        expected = "irreps in e3nn's notation, such as '8x0e + 4x1e'"
        raise ValueError(f"{name}: expected {expected}, got {shown(value)}") from error
    if irreps.dim > _MOST_CHANNELS or any(irrep.l > _HIGHEST_DEGREE for _, irrep in irreps):
        expected = f"irreps of at most {_MOST_CHANNELS} channels and degree {_HIGHEST_DEGREE}"
        raise ValueError(f"{name}: expected {expected}, got {shown(value)}")
    return str(irreps)
