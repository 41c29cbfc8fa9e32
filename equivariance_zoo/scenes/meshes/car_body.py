"""The body of a car: cross-sections along its length, and points on its surface for what is fitted to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

Array = npt.NDArray[np.float64]

_STATIONS = 49


@dataclass(frozen=True)
class Shape:
    """Measures of a body, in metres or in shares of its length or height.

    Attributes:
        length, height, width: Metres.
        hood, tail: Heights of the body before the windscreen and behind the rear window, in shares of the height.
        cowl, screen, roof, back: Where the windscreen begins and ends, and the rear window, from the front.
        clearance: Height of the bottom above the ground, metres.
        squareness: Exponent of the outline seen from above, a superellipse.
        taper: Width of the roof in shares of the width.
        crown: How far hood and roof bulge, metres.
    """

    length: float
    height: float
    width: float
    hood: float
    tail: float
    cowl: float
    screen: float
    roof: float
    back: float
    clearance: float
    squareness: float
    taper: float
    crown: float

    def z(self, share: npt.ArrayLike) -> Array:
        """Returns the position of a share of the length from the front."""
        return (0.5 - np.asarray(share, dtype=np.float64)) * self.length

    def share(self, z: npt.ArrayLike) -> Array:
        """Returns the share of the length from the front of a position."""
        return 0.5 - np.asarray(z, dtype=np.float64) / self.length

    def half_width(self, z: npt.ArrayLike) -> Array:
        """Returns half the width of the body at a position."""
        end = np.clip(np.abs(np.asarray(z, dtype=np.float64)) * 2 / self.length, 0, 1)
        return 0.5 * self.width * (1 - end**self.squareness) ** (1 / self.squareness)

    def end(self, x: npt.ArrayLike) -> Array:
        """Returns how far the body reaches to the front and to the rear at a distance from the middle plane."""
        side = np.clip(np.abs(np.asarray(x, dtype=np.float64)) * 2 / self.width, 0, 1)
        return 0.5 * self.length * (1 - side**self.squareness) ** (1 / self.squareness)

    def belt(self, z: npt.ArrayLike) -> Array:
        """Returns the height of the belt line: the edge of the hood, the lower edge of the windows."""
        u = self.share(z)
        places = [0.0, 0.04, 0.6 * self.cowl, self.cowl, 0.5, self.back, 0.985, 1.0]
        hood, tail = self.hood * self.height, self.tail * self.height
        middle = 0.5 * (hood + tail)
        heights = [0.80 * hood, 0.87 * hood, 0.96 * hood, hood, middle + 0.01, max(tail, middle), tail, 0.95 * tail]
        return np.asarray(PchipInterpolator(places, heights)(u))

    def top(self, z: npt.ArrayLike) -> Array:
        """Returns the height of the edge of the roof; outside of the cabin it is the belt line."""
        u, belt = self.share(z), self.belt(z)
        places = [self.cowl, self.screen, 0.5 * (self.screen + self.roof), self.roof, self.back]
        heights = [0.0, 0.93, 1.0, 0.95, 0.0]
        rise = np.interp(u, places, heights)
        bend = 0.035 * np.exp(-(((u - self.screen) / 0.03) ** 2)) + 0.03 * np.exp(-(((u - self.roof) / 0.03) ** 2))
        return belt + (self.height - self.crown - belt) * np.clip(rise - bend * (rise > 0.5), 0, 1)

    def side(self, z: npt.ArrayLike, t: npt.ArrayLike) -> Array:
        """Returns points [..., 3] of the right side of the cabin: t is 0 at the belt line and 1 at the roof."""
        z, t = np.broadcast_arrays(np.asarray(z, dtype=np.float64), np.asarray(t, dtype=np.float64))
        belt, top = self.belt(z), self.top(z)
        full = 0.96 * self.half_width(z)
        narrow = full * (1 - (1 - self.taper) * (top - belt) / (self.height - belt))
        bulge = 0.02 * np.sin(np.pi * t)
        return np.stack([full + (narrow - full) * t + bulge * (top > belt + 0.02), belt + (top - belt) * t, z], axis=-1)

    def above(self, z: npt.ArrayLike, share: npt.ArrayLike) -> Array:
        """Returns points [..., 3] of the upper side: the share is 0 in the middle and 1 at the right edge."""
        z, share = np.broadcast_arrays(np.asarray(z, dtype=np.float64), np.asarray(share, dtype=np.float64))
        edge = self.side(z, 1.0)
        return np.stack([edge[..., 0] * share, edge[..., 1] + self.crown * (1 - share**2), z], axis=-1)

    def sections(self) -> Array:
        """Returns the right half of the body as points [stations, n, 3], from the bottom's middle to the roof's."""
        rounded = self.end(0.5 * self.width * np.array([0, 0.15, 0.3, 0.45, 0.6, 0.7, 0.78, 0.85, 0.9, 0.94, 0.97]))
        inner = self.z(np.linspace(0, 1, _STATIONS)[1:-1])
        corners = self.z([self.cowl, self.screen, self.roof, self.back])
        z = np.unique(np.concatenate([rounded, -rounded, inner[np.abs(inner) < rounded[-1]], corners]))
        w, low, belt = self.half_width(z), np.full(len(z), self.clearance), self.belt(z)
        tuck = 0.10 * np.clip((np.abs(z) * 2 / self.length - 0.8) / 0.2, 0, 1)
        low = low + tuck
        rows = [np.stack([x, y, z], axis=-1) for x, y in (
            (0 * w, low), (0.86 * w, low), (0.95 * w, low + 0.05), (0.99 * w, low + 0.16),
            (w, low + 0.55 * (belt - low)), (0.995 * w, belt - 0.09), (0.98 * w, belt - 0.03),
        )]  # fmt: skip
        rows += [self.side(z, t) for t in (0.0, 0.25, 0.5, 0.75, 0.93)]
        rows += [self.above(z, share) for share in (0.97, 0.8, 0.5, 0.0)]
        return np.stack(rows, axis=1)
