"""The in-plane rotation from the kernels without a network, and classical fits over outliers and hidden vertices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from equivariance_zoo.cprfa import corrected, published
from equivariance_zoo.cprfa.alignment import align
from equivariance_zoo.cprfa.classical import fit_plain, fit_regularized, fit_robust
from equivariance_zoo.cprfa.metrics import BANDS, nme, rotation_error
from equivariance_zoo.cprfa.model3d import LinearShape, Pose
from equivariance_zoo.cprfa.simulated import Annotated, Damage, Heads

DAMAGES = (Damage(hidden=0.5), Damage(outliers=0.2), Damage(outliers=0.4), Damage(hidden=0.9, outliers=0.4))
FITS = {
    "plain": lambda shape, points, there, noise: fit_plain(shape, points, there),
    "regularized": fit_regularized,
    "robust": fit_robust,
}


def turned_head(shape: LinearShape, rng: np.random.Generator, outliers: float) -> tuple[Tensor, Tensor, Tensor, float]:
    """Draws observed points, points of the model with the true r_x, r_y and shape, observed vertices, and r_z.

    1 pixel of noise, 30 % missing, r_z within 45 degrees, t within 20 pixels, a scale from 6.5 to 9.5.
    """
    pitch, yaw, roll = np.radians(rng.uniform(-1, 1, 3) * [25, 60, 45]).tolist()
    x, y = rng.uniform(-20, 20, 2).tolist()
    observed = Pose.of_angles(pitch, yaw, roll, float(rng.uniform(6.5, 9.5)), (x, y)).project(shape.mean)
    observed += rng.standard_normal(observed.shape)
    wrong = rng.random(len(observed)) < outliers
    observed[wrong] = observed[rng.permutation(len(observed))[: int(wrong.sum())]]
    model = Pose.of_angles(pitch, yaw, 0.0, 8.0).project(shape.mean)
    there = rng.random(len(observed)) > 0.3
    return torch.from_numpy(observed), torch.from_numpy(model), torch.from_numpy(there), roll


def rotation_errors(shape: LinearShape, heads: int, outliers: float) -> dict[str, float]:
    """Returns mean errors of r_z in degrees: of the guess 0, of the mean of the corrected kernel, and of `align`."""
    rng = np.random.default_rng(0)
    found: dict[str, list[float]] = {"always 0": [], "mean of cosine and sine": [], "with robust weights": []}
    for _ in range(heads):
        observed, model, there, roll = turned_head(shape, rng, outliers)
        cosine, sine = corrected.in_plane_kernel(observed, model, there).sum((0, 1)).tolist()
        fit = align(observed, model, there).rotation
        angles = (0.0, math.atan2(sine, cosine), math.atan2(float(fit[1, 0]), float(fit[0, 0])))
        for name, angle in zip(found, angles, strict=True):
            found[name].append(abs(math.degrees(angle - roll)))
    return {name: float(np.mean(errors)) for name, errors in found.items()}


def printed_distances(shape: LinearShape) -> tuple[float, float]:
    """Returns how much ||L_rz^G - L_rz^O|| varies over trial angles r_z from -45 to 45 degrees, relative to its mean.

    The first number is that of the printed kernel, the second that of the corrected one (cosine and sine, minus those
    of no rotation).
    """
    observed, model, there, _ = turned_head(shape, np.random.default_rng(0), 0.0)
    printed, ours = [], []
    for angle in np.radians(np.arange(-45, 46, 5)).tolist():
        c, s = math.cos(angle), math.sin(angle)
        trial = model @ torch.tensor([[c, s], [-s, c]], dtype=model.dtype)
        apart = published.in_plane_kernel(trial) - published.in_plane_kernel(observed)
        printed.append(float(published.hidden(apart, there).norm()))
        turned = corrected.in_plane_kernel(observed, trial, there)
        aligned = torch.tensor([1.0, 0.0], dtype=model.dtype) * corrected.pairs_there(there).unsqueeze(-1)
        ours.append(float((turned - aligned).norm()))
    first, second = (float(np.ptp(values) / np.mean(values)) for values in (printed, ours))
    return first, second


def composition_error(shape: LinearShape) -> float:
    """Returns the largest relative deviation of `align` under 20 similarities of the picture and orders of vertices."""
    rng, worst = np.random.default_rng(0), 0.0
    observed, model, there, _ = turned_head(shape, rng, 0.2)
    before = align(observed, model, there)
    for _ in range(20):
        angle, factor = rng.uniform(-3, 3), rng.uniform(0.2, 5)
        c, s = math.cos(angle), math.sin(angle)
        turn = factor * torch.tensor([[c, s], [-s, c]], dtype=torch.float64)
        shift, order = torch.from_numpy(rng.uniform(-100, 100, 2)), torch.from_numpy(rng.permutation(len(model)))
        after = align((observed @ turn + shift)[order], model[order], there[order])
        expected = before.apply(model) @ turn + shift
        worst = max(worst, float((after.apply(model) - expected).norm() / expected.norm()))
    return worst


def fit_scores(heads: Heads, damage: Damage, count: int) -> dict[str, list[tuple[float, float]]]:
    """Returns for each fit the mean NME in percent and the median rotation error in degrees, by band of yaw."""
    scores: dict[str, list[tuple[float, float]]] = {name: [] for name in FITS}
    for low, high in BANDS:
        rng = np.random.default_rng(int(high))
        errors: dict[str, list[tuple[float, float]]] = {name: [] for name in FITS}
        for _ in range(count):
            head = heads.draw(float(rng.choice([-1, 1]) * rng.uniform(low, high)), rng)
            observed, there = head.damaged(damage, rng)
            for name, fit in FITS.items():
                errors[name].append(_score(fit, heads, head, observed, there, damage.noise))
        for name, pairs in errors.items():
            scores[name].append((float(np.mean([e for e, _ in pairs])), float(np.median([a for _, a in pairs]))))
    return scores


def _score(fit: Any, heads: Heads, head: Annotated, observed: Any, there: Any, noise: float) -> tuple[float, float]:
    """Scores a fit; one that fails counts as 100 % and 180 degrees."""
    try:
        found = fit(heads.shape, observed, there, noise)
    except ValueError:
        return 100.0, 180.0
    angle = rotation_error(found.pose.rotation[None], head.pose.rotation[None])[0]
    return float(nme(found.points(heads.landmarks), head.landmarks)), float(angle)
