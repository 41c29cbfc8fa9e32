"""Colours of heads: skin, lips, brows, lashes, stubble, hair and a shirt, by masks on the vertices of the mean head.

Distances are in centimetres, in the frame of `faces.Mesh`. `heads` calls it; the masks are computed once for a model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equivariance_zoo.landmarks.ibug import PARTS

Array = npt.NDArray[np.float64]

_SKINS = np.array([[0.80, 0.58, 0.46], [0.68, 0.44, 0.32], [0.52, 0.31, 0.20], [0.33, 0.18, 0.11], [0.16, 0.085, 0.055],
                   [0.74, 0.50, 0.40], [0.60, 0.38, 0.25]])  # fmt: skip
_HAIRS = np.array([[0.012, 0.010, 0.009], [0.045, 0.024, 0.014], [0.11, 0.058, 0.03], [0.32, 0.19, 0.08],
                   [0.22, 0.065, 0.022], [0.30, 0.29, 0.28], [0.02, 0.015, 0.012]])  # fmt: skip
_IRISES = np.array(
    [[0.05, 0.022, 0.01], [0.10, 0.05, 0.02], [0.10, 0.17, 0.24], [0.12, 0.18, 0.08], [0.16, 0.18, 0.19]]
)
_WAVES = 10


@dataclass(frozen=True, eq=False)
class Masks:
    """Where parts of the face are, each [V] from 0 to 1.

    Attributes:
        brow, lips, lash, nostril, cheek, stubble, shirt, ear: The parts.
    """

    brow: Array
    lips: Array
    lash: Array
    nostril: Array
    cheek: Array
    stubble: Array
    shirt: Array
    ear: Array

    @classmethod
    def of(cls, mean: Array, landmarks: Array) -> Masks:
        """Computes the masks.

        Args:
            mean: [V, 3], the mean head in centimetres.
            landmarks: [68, 3], its landmarks.
        """
        x, y, z = mean.T
        mouth = landmarks[list(PARTS["outer lips"])].mean(axis=0)
        beard = _step((landmarks[33, 1] - 0.6 - y) / 0.8) * _step((z - 3.0 - 0.25 * np.abs(x)) / 2.0)
        side = _step((mouth[1] + 3.2 - y) / 1.5) * _step((z - 2.5) / 1.5)
        return cls(
            brow=np.clip(
                1.5
                * np.maximum(
                    _near(mean, landmarks, PARTS["right eyebrow"], 0.32),
                    _near(mean, landmarks, PARTS["left eyebrow"], 0.32),
                ),
                0,
                1,
            ),
            lips=np.maximum(
                _near(mean, landmarks, [*PARTS["outer lips"], 48], 0.3),
                _near(mean, landmarks, [*PARTS["inner lips"], 60], 0.38),
            ),
            lash=np.maximum(
                _near(mean, landmarks, [*PARTS["right eye"], 36], 0.13),
                _near(mean, landmarks, [*PARTS["left eye"], 42], 0.13),
            ),
            nostril=np.maximum(
                _near(mean, landmarks - [0, 0.05, 0.45], [31, 32], 0.3),
                _near(mean, landmarks - [0, 0.05, 0.45], [34, 35], 0.3),
            ),
            cheek=np.exp(-((np.abs(x) - 4.6) ** 2 + (y - 0.2) ** 2) / 3.5) * _step(z / 2)
            + 0.8 * np.exp(-((mean - landmarks[30]) ** 2).sum(axis=1) / 1.5),
            stubble=np.maximum(beard, side) * _step((y - landmarks[8, 1] + 2.6) / 1.5),
            shirt=_step((-12.6 + 0.05 * z - y) / 0.35),
            ear=_step((np.abs(x) - 7.6) / 0.35)
            * _step((4.2 - y) / 0.5)
            * _step((y + 3.2) / 0.6)
            * _step((z + 3.4) / 0.5),
        )


@dataclass(frozen=True, eq=False)
class Look:
    """A look: everything of a person that is seen, apart from the shape.

    Attributes:
        skin, hair, iris, shirt: [3], linear RGB.
        thickness: Thickness of the hair in centimetres; 0 for a bald head.
        forehead: How far the hairline lies above its usual place, centimetres.
        nape: Height of the lower end of the hair at the back, centimetres.
        sideburn: Height of the lower end of the hair before the ears, centimetres.
        stubble, blush, gloss: Strengths from 0 to 1.
        gaze: Turn of the eyes to the left and upwards, radians.
        waves: [_WAVES, 3], wave vectors of the variation of the colours, per centimetre.
        phases: [_WAVES].
    """

    skin: Array
    hair: Array
    iris: Array
    shirt: Array
    thickness: float
    forehead: float
    nape: float
    sideburn: float
    stubble: float
    blush: float
    gloss: float
    gaze: Array
    waves: Array
    phases: Array

    def noise(self, points: Array) -> Array:
        """Returns a smooth function of points [V, 3] of about unit variance, [V]."""
        angles = (points @ self.waves.T + self.phases).astype(np.float32)
        return np.sqrt(2 / _WAVES) * np.sin(angles).sum(axis=1)


def random_look(rng: np.random.Generator) -> Look:
    """Draws a look.

    Args:
        rng: The random number generator; it is advanced.
    """
    dark = int(rng.integers(len(_SKINS)))
    skin = _SKINS[dark] * rng.uniform(0.85, 1.12) * (1 + rng.uniform(-0.04, 0.04, 3))
    hair = _HAIRS[rng.integers(2) if skin[0] < 0.4 and rng.random() < 0.9 else rng.integers(len(_HAIRS))]
    iris = _IRISES[rng.integers(2) if skin[0] < 0.4 else rng.integers(len(_IRISES))]
    style = rng.random()
    thickness = 0.0 if style < 0.1 else float(rng.uniform(0.12, 0.3) if style < 0.35 else rng.uniform(0.5, 1.5))
    waves = rng.standard_normal((_WAVES, 3)) * np.geomspace(0.25, 2.2, _WAVES)[:, None]
    return Look(
        skin=np.clip(skin, 0, 0.92),
        hair=hair * rng.uniform(0.8, 1.3),
        iris=iris * rng.uniform(0.8, 1.3),
        shirt=rng.uniform(0.03, 0.75) * rng.uniform(0.5, 1.2, 3),
        thickness=thickness,
        forehead=float(rng.uniform(-0.8, 1.2)),
        nape=float(rng.uniform(-7.0, -3.5)),
        sideburn=float(rng.uniform(-1.5, 2.5)),
        stubble=float(rng.uniform(0.25, 0.8) if rng.random() < 0.3 else 0.0),
        blush=float(rng.uniform(0.05, 0.5)),
        gloss=float(rng.uniform(0.03, 0.14)),
        gaze=rng.normal(0, 0.13, 2),
        waves=waves,
        phases=rng.uniform(0, 2 * np.pi, _WAVES),
    )


def above_hairline(look: Look, mean: Array, ear: Array) -> Array:
    """Returns the distance of each vertex from the hairline, [V] centimetres, above 0 under hair.

    It is measured in the plane of the profile. Ears lie below the line.
    """
    front = 10.0 + look.forehead
    line = np.array([
        [-14.0, look.nape], [-3.6, look.nape + 0.6], [-2.4, 3.9], [1.9, 4.1], [2.4, look.sideburn],
        [3.2, look.sideburn], [3.8, 5.0], [5.8, 7.2], [7.2, front - 0.8], [8.2, front], [14.0, front],
    ])  # fmt: skip
    place = mean[:, [2, 1]].astype(np.float32)
    starts, ways = line[:-1].astype(np.float32), np.diff(line, axis=0).astype(np.float32)
    along = ((place[:, None] - starts) * ways).sum(axis=-1) / (ways**2).sum(axis=-1)
    gaps = place[:, None] - starts - np.clip(along, 0, 1)[..., None] * ways
    distance = np.sqrt((gaps**2).sum(axis=-1).min(axis=1))
    signed = np.where(mean[:, 1] > np.interp(mean[:, 2], *line.T), distance, -distance)
    return np.minimum(signed + 0.2 * look.noise(mean * 1.5), 3 - 6 * ear)


def colours(look: Look, masks: Masks, mean: Array, above: Array) -> tuple[Array, Array]:
    """Returns the colours [V, 3] and the gloss [V] of a head.

    Args:
        look: The look.
        masks: Masks of the model.
        mean: [V, 3], the mean head.
        above: [V], distance from the hairline; see `above_hairline`.
    """
    hair = _step(above)
    skin = look.skin * (1 + 0.05 * look.noise(mean))[:, None]
    skin = skin * (1 + look.blush * masks.cheek[:, None] * np.array([0.16, -0.22, -0.2]))
    shadow = (look.stubble * masks.stubble)[:, None] * 0.65
    skin = skin * (1 - shadow) + shadow * (0.35 * look.hair + 0.18 * look.skin)
    lips = look.skin * np.array([0.92, 0.55, 0.56])
    strands = look.hair * (1 + 0.18 * look.noise(mean * 2.5))[:, None].clip(0.4)
    for mask, colour in ((0.75 * masks.lips, lips), (0.85 * masks.brow, 0.6 * look.hair),
                         (0.8 * masks.lash, 0.25 * look.hair), (0.85 * masks.nostril, 0.12 * look.skin),
                         (hair * (0.9 if look.thickness else 0.0), strands), (masks.shirt, look.shirt)):  # fmt: skip
        skin = skin * (1 - mask[:, None]) + mask[:, None] * colour
    gloss = look.gloss * (1 - masks.shirt) * (1 - 0.7 * np.maximum(hair, masks.brow)) + 0.1 * masks.lips
    return np.clip(skin, 0, 1), gloss


def _near(points: Array, landmarks: Array, numbers: object, width: float) -> Array:
    """Returns 1 on the polyline through landmarks, falling as a Gaussian of the distance."""
    corners = landmarks[list(numbers)]  # type: ignore[call-overload]
    shares = np.linspace(0, 1, 9)[:, None, None]
    line = (corners[:-1] * (1 - shares) + corners[1:] * shares).reshape(-1, 3)
    squared = ((points[:, None] - line[None]) ** 2).sum(axis=-1).min(axis=1)
    return np.asarray(np.exp(-squared / width**2))


def _step(t: Array) -> Array:
    """Returns 0 below -0.5, 1 above 0.5, and a smooth rise between."""
    t = np.clip(t + 0.5, 0, 1)
    return t * t * (3 - 2 * t)
