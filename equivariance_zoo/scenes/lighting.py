"""Light: an ambient light, and any number of directed lights such as a key and a fill light. Shadows are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

GAMMA = 2.2
_WRAP, _SHARPNESS = 0.5, 5


@dataclass(frozen=True, eq=False)
class Lighting:
    """The light of a scene, in the frame of the camera.

    Attributes:
        directions: [L, 3], directions to the lights; they need not be unit vectors.
        colours: [L, 3], linear RGB.
        ambient: [2, 3], linear RGB of the light from below and from above.
        wrap: 0 for Lambert's law; larger values light the side away from a light, 1 as half-Lambert.
        sharpness: The highlights (Blinn-Phong) have the exponent 2^sharpness.

    Raises:
        ValueError: If a shape is another, or a direction is zero.
    """

    directions: npt.NDArray[np.float64]
    colours: npt.NDArray[np.float64]
    ambient: npt.NDArray[np.float64]
    wrap: float = _WRAP
    sharpness: int = _SHARPNESS

    def __post_init__(self) -> None:
        """Checks the shapes and normalizes the directions."""
        count = len(self.directions)
        for name, shape in (("directions", (count, 3)), ("colours", (count, 3)), ("ambient", (2, 3))):
            value = np.array(getattr(self, name), dtype=np.float64)
            if value.shape != shape or not np.isfinite(value).all():
                raise ValueError(f"{name}: expected finite numbers of shape {list(shape)}, got {value.tolist()}")
            object.__setattr__(self, name, value)
        lengths = np.linalg.norm(self.directions, axis=1, keepdims=True)
        if (lengths == 0).any():
            raise ValueError(f"directions: expected directions that are not zero, got {self.directions.tolist()}")
        object.__setattr__(self, "directions", self.directions / lengths)


def key_and_fill() -> Lighting:
    """Returns a warm key light from the upper left and a weak, cool fill light from the right."""
    return Lighting(
        directions=np.array([[-0.5, 0.7, 0.9], [0.9, 0.1, 0.5]]),
        colours=np.array([[0.95, 0.9, 0.82], [0.18, 0.21, 0.26]]),
        ambient=np.array([[0.1, 0.09, 0.08], [0.22, 0.24, 0.28]]),
    )


def random_lighting(rng: np.random.Generator) -> Lighting:
    """Draws a key light from in front (from anywhere above the horizon), a fill light, and an ambient light.

    Args:
        rng: The random number generator; it is advanced.
    """
    key = np.array([rng.uniform(-1.2, 1.2), rng.uniform(-0.1, 1.1), rng.uniform(0.45, 1.2)])
    fill = np.array([-np.sign(key[0]) * rng.uniform(0.3, 1.2), rng.uniform(-0.3, 0.6), rng.uniform(0.1, 1.0)])
    warmth = rng.uniform(-0.12, 0.12) * np.array([1.0, 0.1, -1.0])
    level = rng.uniform(0.55, 1.05)
    sky = rng.uniform(0.14, 0.34)
    return Lighting(
        directions=np.stack([key, fill]),
        colours=np.stack([level * (0.92 + warmth), rng.uniform(0.05, 0.4) * (0.92 - warmth)]),
        ambient=np.stack([0.5 * sky * (0.95 + warmth), sky * (1.0 - 0.5 * warmth)]),
    )
