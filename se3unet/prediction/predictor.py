"""Predicts landmarks of scans in any pose and unit.

The command `predict` and scripts call it. `finding` searches the face; this module loads weights and converts units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from equivariance_zoo.training.devices import chosen_device
from se3unet.config import SE3UnetConfig
from se3unet.model import SE3Unet
from se3unet.prediction.confidence import rank
from se3unet.prediction.finding import Found, find
from se3unet.prediction.scan import Scan
from se3unet.prediction.units import NOMINAL_UNIT_MM, UNITS_MM, likely_units

SHIPPED = Path(__file__).parent.parent / "data" / "landmarks.safetensors"
"""The checkpoint of the package; docs/model_card.md describes it."""

CONFIDENT = 0.5
"""Least confidence of a face; docs/landmarks.md gives the confidences of faces and other shapes."""

_TRIED = 2
"""Units that are tried if no unit is given. A normalised scan may have the size of a scan in metres."""

_LANDMARKS = SE3UnetConfig().landmarks


@dataclass(frozen=True, eq=False)
class Prediction:
    """The landmarks of one scan.

    Attributes:
        landmarks: [68, 3] float64, in iBUG order, on the surface, in the scan's own frame and unit.
        certainties: [68] float64 from 0 to 1: the peak of each heatmap, reduced if the landmark is out of place.
        unit: The unit of the scan, one of `UNITS_MM`.
        guessed: True if the unit was guessed from the size.
        positions: [N, 3] float64, the input of the network, in the scan's frame and unit.
        heatmaps: [N, 68] float32 from 0 to 1, the output of the network.
        surface: [S, 3] float64, a dense cloud of the face, in the scan's frame and unit.
    """

    landmarks: Tensor
    certainties: Tensor
    unit: str
    guessed: bool
    positions: Tensor
    heatmaps: Tensor
    surface: Tensor

    @property
    def confidence(self) -> float:
        """Mean of the certainties, from 0 to 1."""
        return float(self.certainties.mean())

    @property
    def is_face(self) -> bool:
        """True if the confidence is high enough for a face."""
        return self.confidence >= CONFIDENT

    @property
    def unit_mm(self) -> float:
        """Millimetres of the scan's unit."""
        return UNITS_MM[self.unit]


class Predictor:
    """A trained network that finds faces in scans and landmarks on them."""

    def __init__(self, checkpoint: str | Path | None = None, device: str | None = None) -> None:
        """Loads the network.

        Args:
            checkpoint: File of a training; by default, the checkpoint of the package.
            device: "cpu" or "cuda"; by default, cuda if there is one.

        Raises:
            ValueError: If the checkpoint or the device does not exist, or the checkpoint is of another network.
            ImportError: If safetensors is not installed.
        """
        from se3unet.training.checkpoint import load_checkpoint

        self._device = chosen_device(device)
        path = SHIPPED if checkpoint is None else Path(checkpoint)
        model = load_checkpoint(path).model
        if not isinstance(model, SE3Unet) or model.config.landmarks != _LANDMARKS:
            got = f"{path}, a network of kind {type(model).__name__}"
            raise ValueError(
                f"checkpoint: expected an SE3Unet of {_LANDMARKS} landmarks, which sees any pose, got {got}"
            )
        self._model = model.to(self._device)

    def predict(self, scan: Scan, unit: str | None = None) -> Prediction:
        """Finds the face of a scan and its landmarks. Check `is_face` before you use them.

        Args:
            scan: A mesh or a cloud in any pose.
            unit: One of `UNITS_MM`; by default, guessed from the size.

        Raises:
            ValueError: If the unit is unknown, or the scan is a mesh without an area.
        """
        if unit is not None and unit not in UNITS_MM:
            raise ValueError(f"unit: expected one of {', '.join(UNITS_MM)}, got {unit}")
        surface = scan.surface(seed=0)
        predictions: list[Prediction] = []
        for name in [unit] if unit else likely_units(surface)[:_TRIED]:
            factor = UNITS_MM[name] / NOMINAL_UNIT_MM
            found = find(surface * factor, self._heatmaps)
            predictions.append(_prediction(found, name, unit is None, factor))
            if predictions[-1].is_face:
                break
        return rank(predictions, lambda prediction: prediction.confidence)[0]

    def _heatmaps(self, clouds: Tensor) -> Tensor:
        with torch.no_grad():
            heatmaps: Tensor = self._model(clouds.to(self._device))
        return heatmaps.cpu()


def _prediction(found: Found, unit: str, guessed: bool, factor: float) -> Prediction:
    return Prediction(
        landmarks=torch.from_numpy(found.landmarks / factor),
        certainties=torch.from_numpy(found.reading.certainties),
        unit=unit,
        guessed=guessed,
        positions=torch.from_numpy(found.positions / factor),
        heatmaps=found.heatmaps,
        surface=torch.from_numpy(found.surface / factor),
    )


_Points = Tensor | npt.NDArray[np.floating]


@overload
def predict(
    points: _Points, unit: str | None = None, checkpoint: str | Path | None = None, device: str | None = None
) -> Prediction | list[Prediction]: ...
@overload
def predict(
    points: Sequence[_Points], unit: str | None = None, checkpoint: str | Path | None = None, device: str | None = None
) -> list[Prediction]: ...
def predict(
    points: _Points | Sequence[_Points],
    unit: str | None = None,
    checkpoint: str | Path | None = None,
    device: str | None = None,
) -> Prediction | list[Prediction]:
    """Finds faces and their landmarks in clouds, in any pose and unit.

    Args:
        points: One cloud [n, 3], several [B, n, 3], or a sequence of clouds of different sizes; 1,024 points or more,
            spread over a face or a head and its surroundings.
        unit: "mm", "cm", "m", "in", or "face" for prepared faces; by default, guessed from the size.
        checkpoint: File of a training; by default, the checkpoint of the package.
        device: "cpu" or "cuda"; by default, cuda if there is one.

    Returns:
        One prediction for one cloud, a list for several. Check `is_face` before you use one.

    Raises:
        ValueError: If a cloud, the unit, the checkpoint or the device cannot be used.
        ImportError: If safetensors is not installed.
    """
    predictor = _predictor(checkpoint, device)
    if isinstance(points, Tensor | np.ndarray) and points.ndim != 3:
        return predictor.predict(_scan(points, 0), unit)
    return [predictor.predict(_scan(cloud, number), unit) for number, cloud in enumerate(points)]


@cache
def _predictor(checkpoint: str | Path | None, device: str | None) -> Predictor:
    return Predictor(checkpoint, device)


def _scan(points: object, number: int) -> Scan:
    if not isinstance(points, Tensor | np.ndarray):
        raise ValueError(f"points: expected tensors or arrays [n, 3], got {type(points).__name__}")
    array = points.detach().cpu().numpy() if isinstance(points, Tensor) else points
    return Scan(f"points of cloud {number}", array.astype(np.float64))
