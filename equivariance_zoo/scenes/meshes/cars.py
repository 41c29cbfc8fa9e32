"""Makes cars: a body lofted over a profile, windows, wheels, lights. No file and no licence is needed.

The frame is that of the cars of KayKit: x across, +y up, +z to the front of the car. Each car is its own mirror image
in x, exactly. The data sets call `random_car`; `car_body` has the loft, `car_parts` what is fitted to it.
"""

from __future__ import annotations

import numpy as np

from equivariance_zoo.scenes.meshes import car_parts
from equivariance_zoo.scenes.meshes.car_body import Shape
from equivariance_zoo.scenes.meshes.mesh import Mesh, creased, join

KINDS: dict[str, dict[str, tuple[float, float]]] = {
    "sedan": {"length": (4.4, 5.0), "height": (1.38, 1.5), "hood": (0.60, 0.66), "tail": (0.63, 0.70),
              "cowl": (0.28, 0.32), "screen": (0.41, 0.45), "roof": (0.66, 0.72), "back": (0.82, 0.87)},
    "coupe": {"length": (4.1, 4.7), "height": (1.25, 1.36), "hood": (0.58, 0.64), "tail": (0.62, 0.70),
              "cowl": (0.32, 0.36), "screen": (0.46, 0.50), "roof": (0.60, 0.66), "back": (0.86, 0.92)},
    "hatchback": {"length": (3.6, 4.2), "height": (1.42, 1.56), "hood": (0.60, 0.66), "tail": (0.60, 0.66),
                  "cowl": (0.24, 0.28), "screen": (0.37, 0.42), "roof": (0.82, 0.87), "back": (0.955, 0.975)},
    "wagon": {"length": (4.4, 4.9), "height": (1.42, 1.52), "hood": (0.60, 0.66), "tail": (0.60, 0.66),
              "cowl": (0.27, 0.30), "screen": (0.40, 0.43), "roof": (0.87, 0.91), "back": (0.955, 0.975)},
    "suv": {"length": (4.2, 4.9), "height": (1.64, 1.82), "hood": (0.61, 0.66), "tail": (0.58, 0.64),
            "cowl": (0.26, 0.29), "screen": (0.36, 0.40), "roof": (0.87, 0.91), "back": (0.96, 0.975)},
    "van": {"length": (4.4, 5.1), "height": (1.8, 2.0), "hood": (0.52, 0.58), "tail": (0.55, 0.6),
            "cowl": (0.15, 0.18), "screen": (0.29, 0.33), "roof": (0.92, 0.94), "back": (0.965, 0.975)},
    "pickup": {"length": (4.9, 5.4), "height": (1.7, 1.85), "hood": (0.60, 0.64), "tail": (0.58, 0.62),
               "cowl": (0.28, 0.31), "screen": (0.37, 0.40), "roof": (0.55, 0.60), "back": (0.61, 0.63)},
}  # fmt: skip
"""Ranges of the kinds: metres; shares of the height (hood, tail); shares of the length from the front (the others).

The windscreen goes from `cowl` to `screen`, the rear window from `roof` to `back`."""

_PAINTS = np.array([
    [0.85, 0.85, 0.83], [0.55, 0.57, 0.6], [0.18, 0.19, 0.21], [0.02, 0.02, 0.025], [0.5, 0.02, 0.02],
    [0.03, 0.09, 0.38], [0.02, 0.2, 0.09], [0.75, 0.45, 0.03], [0.6, 0.5, 0.35], [0.7, 0.16, 0.02], [0.1, 0.3, 0.45],
])  # fmt: skip


def random_car(rng: np.random.Generator, kind: str | None = None) -> Mesh:
    """Draws a car, in metres, on wheels that stand on y = 0, with the middle of its length at z = 0.

    Args:
        rng: The random number generator; it is advanced.
        kind: One of `KINDS`; None to draw it.

    Raises:
        ValueError: If there is no such kind.
    """
    if kind is None:
        kind = list(KINDS)[rng.integers(len(KINDS))]
    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    drawn = {name: float(rng.uniform(*bounds)) for name, bounds in KINDS[kind].items()}
    shape = Shape(
        **drawn,
        width=float(rng.uniform(1.66, 1.8) + 0.06 * (drawn["length"] - 4)),
        clearance=float(rng.uniform(0.17, 0.22) + (0.06 if kind in ("suv", "pickup") else 0)),
        squareness=float(rng.uniform(6, 10)),
        taper=float(rng.uniform(0.72, 0.8) + (0.08 if kind == "van" else 0)),
        crown=float(rng.uniform(0.02, 0.05)),
    )
    paint = np.clip(_PAINTS[rng.integers(len(_PAINTS))] * rng.uniform(0.9, 1.1, 3), 0, 0.9)
    radius = float(rng.uniform(0.3, 0.34) + (0.05 if kind in ("suv", "pickup") else 0))
    return join([creased(part, 35.0) for part in car_parts.all_parts(shape, kind, paint, radius, rng)])
