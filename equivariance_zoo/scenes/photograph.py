"""Makes a photograph of a rendered picture: background, occluders, blur, noise, JPEG.

Pictures are float32 in linear RGB, premultiplied where they have a fourth channel, until `encode` makes them 8-bit sRGB
by the exponent of `lighting.GAMMA`. Every random function takes its generator and uses no other.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from equivariance_zoo.scenes.lighting import GAMMA

Picture = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

_KINDS = ("rectangle", "ellipse", "hand")


def random_background(rng: np.random.Generator, size: int) -> Picture:
    """Draws a background of smooth noise over a gradient, [size, size, 3] linear RGB."""
    rows, columns = np.mgrid[0 : 1 : 1j * size, 0 : 1 : 1j * size] - 0.5
    angle = rng.uniform(0, 2 * math.pi)
    ramp = (columns * math.cos(angle) + rows * math.sin(angle))[..., None]
    picture = rng.uniform(0.04, 0.7) * rng.uniform(0.75, 1.25, 3) + ramp * rng.uniform(-0.3, 0.3)
    for cells in (2, 5, 11):
        coarse = rng.standard_normal((cells + 3, cells + 3, 3)) * (0.45 * rng.uniform() / cells**0.6)
        coarse = coarse.mean(axis=2, keepdims=True) + 0.12 * coarse
        spline = _spline(size, cells)
        picture += np.einsum("im,mnc,jn->ijc", spline, coarse, spline, optimize=True)
    return np.clip(picture, 0.01, 1).astype(np.float32)


@cache
def _spline(size: int, cells: int) -> npt.NDArray[np.float64]:
    """Returns the weights [size, cells + 3] of cubic B-splines at the pixels of a side that is divided into cells."""
    place = (np.arange(size) + 0.5) * cells / size
    distance = np.abs(place[:, None] + 1 - np.arange(cells + 3))
    near, far = 2 / 3 - distance**2 + distance**3 / 2, np.maximum(2 - distance, 0) ** 3 / 6
    return np.where(distance < 1, near, far)


def over(front: Picture, back: Picture) -> Picture:
    """Returns a premultiplied picture [n, n, 4] over an opaque one [n, n, 3], as [n, n, 3]."""
    return front[..., :3] + (1 - front[..., 3:]) * back


def random_occluder(rng: np.random.Generator, box: npt.ArrayLike, size: int) -> Picture:
    """Draws an occluder that hides a part of a box: a rectangle, an ellipse, or fingers of ellipses like a hand.

    Args:
        rng: The random number generator; it is advanced.
        box: (left, top, right, bottom) in pixel coordinates.
        size: Pixels along each side.

    Returns:
        [size, size, 4], premultiplied.
    """
    left, top, right, bottom = np.asarray(box, dtype=np.float64)
    extent = math.sqrt(max((right - left) * (bottom - top), 1.0))
    centre = np.array([rng.uniform(left, right), rng.uniform(top, bottom)])
    angle = rng.uniform(0, math.pi)
    kind = _KINDS[rng.integers(len(_KINDS))]
    if kind == "hand":
        cover = _hand(rng, centre, angle, 0.32 * extent, size)
        colour = rng.uniform(0.15, 0.75) * np.array([1.0, 0.68, 0.52])
    else:
        axes = extent * rng.uniform(0.12, 0.4, 2)
        cover = _soft(_distance(centre, angle, axes, size, 8.0 if kind == "rectangle" else 2.0), float(axes.min()))
        colour = rng.uniform(0.02, 0.8, 3)
    shadow = 1 + 0.25 * (random_background(rng, size).mean(axis=2, keepdims=True) - 0.4)
    return np.concatenate([cover * colour * shadow, cover], axis=2).astype(np.float32)


def _hand(rng: np.random.Generator, centre: npt.NDArray[np.float64], angle: float, reach: float, size: int) -> Picture:
    across = np.array([-math.sin(angle), math.cos(angle)])
    along = np.array([math.cos(angle), math.sin(angle)])
    cover = _soft(_distance(centre, angle, reach * np.array([0.85, 0.75]), size, 2.5), reach)
    for finger in range(4):
        middle = centre + along * reach * 1.35 + across * reach * (finger - 1.5) * 0.4
        axes = reach * np.array([rng.uniform(0.7, 0.9), 0.19])
        bent = angle + rng.uniform(-0.15, 0.15)
        cover = np.maximum(cover, _soft(_distance(middle, bent, axes, size, 2.5), float(axes[1])))
    return cover


def _distance(
    centre: npt.NDArray[np.float64], angle: float, axes: npt.NDArray[np.float64], size: int, power: float
) -> npt.NDArray[np.float64]:
    """Returns the radius of each pixel centre, 1 on the border of a superellipse."""
    centres = np.arange(size) + 0.5
    x, y = np.meshgrid(centres - centre[0], centres - centre[1])
    u = (x * math.cos(angle) + y * math.sin(angle)) / axes[0]
    v = (y * math.cos(angle) - x * math.sin(angle)) / axes[1]
    return (np.abs(u) ** power + np.abs(v) ** power) ** (1 / power)


def _soft(radius: npt.NDArray[np.float64], pixels: float) -> Picture:
    """Returns the covered share of pixels, [n, n, 1], with a border of one pixel; a radius of 1 is `pixels` long."""
    return np.clip(0.5 + (1 - radius) * pixels, 0, 1).astype(np.float32)[..., None]


def encode(picture: Picture) -> Bytes:
    """Returns linear values from 0 to 1 as uint8, encoded with the gamma of screens. Larger values are clipped."""
    return np.round(255 * np.clip(picture, 0, 1) ** (1 / GAMMA)).astype(np.uint8)


def encode_rgba(picture: Picture) -> Bytes:
    """Returns a premultiplied picture [n, n, 4] as straight uint8 RGBA; colours of empty pixels are 0."""
    cover = picture[..., 3:]
    colour = np.divide(picture[..., :3], cover, out=np.zeros_like(picture[..., :3]), where=cover > 0)
    return np.concatenate([encode(colour), np.round(255 * cover).astype(np.uint8)], axis=2)


@dataclass(frozen=True)
class Degradation:
    """Largest degradations of a photograph; each is drawn uniformly from none to the largest.

    Attributes:
        blur: Standard deviation of a Gaussian blur, in pixels of a picture of 128 x 128.
        noise: Standard deviation of the noise, in grey values of 255.
        quality: Lowest quality of JPEG, 1 to 95.
        blurred: Share of the pictures that are blurred.
        compressed: Share of the pictures that pass through JPEG.

    Raises:
        ValueError: If a number is out of range.
    """

    blur: float = 1.2
    noise: float = 8.0
    quality: int = 35
    blurred: float = 0.5
    compressed: float = 0.5

    def __post_init__(self) -> None:
        """Checks the numbers."""
        for name, least, largest in (("blur", 0, 64), ("noise", 0, 255), ("quality", 1, 95), ("blurred", 0, 1),
                                     ("compressed", 0, 1)):  # fmt: skip
            value = getattr(self, name)
            if not least <= value <= largest:
                raise ValueError(f"{name}: expected a number from {least} to {largest}, got {value!r}")

    def apply(self, rng: np.random.Generator, picture: Bytes) -> Bytes:
        """Returns a degraded copy of a picture [n, n, 3] uint8; the count of drawn numbers is always the same."""
        blurred, compressed = rng.uniform(size=2) < (self.blurred, self.compressed)
        sigma, noise, quality = rng.uniform(size=3)
        grains = rng.standard_normal(picture.shape, dtype=np.float32)
        if blurred:
            picture = _blur(picture, sigma * self.blur * len(picture) / 128)
        noisy = picture + np.float32(noise * self.noise) * grains
        picture = np.clip(np.round(noisy), 0, 255).astype(np.uint8)
        return jpeg(picture, round(95 - quality * (95 - self.quality))) if compressed else picture


def jpeg(picture: Bytes, quality: int) -> Bytes:
    """Returns a picture [n, n, 3] uint8 as it comes out of a JPEG file of a quality from 1 to 95."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def _blur(picture: Bytes, sigma: float) -> Bytes:
    blurred = ndimage.gaussian_filter(picture.astype(np.float32), (sigma, sigma, 0), mode="nearest")
    return np.clip(np.round(blurred), 0, 255).astype(np.uint8)
