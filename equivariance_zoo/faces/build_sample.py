"""Builds the built-in sample faces.

python -m equivariance_zoo.faces.build_sample --model ict_face_model.npz --seed 0
    --output equivariance_zoo/faces/data/sample.npz
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.geometry.mesh import crop_like_facescape
from equivariance_zoo.faces.geometry.sampling import farthest_points, sample_surface, unit_frame
from equivariance_zoo.faces.models.ict import IctModel, load_ict
from equivariance_zoo.faces.shipped import FACES
from equivariance_zoo.training.files import replacing

POINTS = 1024
SURFACE_POINTS = 8192  # FaceScape's resolution
MM_PER_CM = 10


def build(model: IctModel, seed: int) -> dict[str, npt.NDArray[np.floating]]:
    """Builds faces of random identities as point clouds.

    Returns:
        `positions` [4, 1024, 3] and `landmarks` [4, 68, 3], float32, in units of the normalised face; `unit_mm` [4],
        float64.
    """
    faces = [_build_one(model, np.random.default_rng([seed, number])) for number in range(FACES)]
    positions, landmarks, units = zip(*faces, strict=True)
    return {
        "positions": np.stack(positions).astype(np.float32),
        "landmarks": np.stack(landmarks).astype(np.float32),
        "unit_mm": np.array(units) * MM_PER_CM,
    }


def write(arrays: Mapping[str, Any], output: Path) -> None:
    """Writes an .npz file whose bytes depend on the arrays only. After a failure, `output` is unchanged."""
    with replacing(output) as file:
        np.savez(file, **arrays)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line. Returns the exit code, 2 for input that cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m equivariance_zoo.faces.build_sample", description="Make the built-in sample faces."
    )
    parser.add_argument("--model", type=Path, required=True, help="the packed ICT-FaceKit model (.npz)")
    parser.add_argument("--output", type=Path, required=True, help="the file to write (.npz)")
    parser.add_argument("--seed", type=int, default=0, help="which random identities and points (default: 0)")
    options = parser.parse_args(arguments)
    try:
        if options.seed < 0:
            raise FaceError(f"--seed: expected at least 0 but got {options.seed}")
        write(build(load_ict(options.model), options.seed), options.output)
    except (FaceError, OSError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    return 0


def _build_one(
    model: IctModel, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    head = model.neutral(rng.standard_normal(len(model.identity_modes)))
    face = crop_like_facescape(head)
    surface = sample_surface(face, SURFACE_POINTS, rng)
    frame = unit_frame(surface)
    cloud = frame.apply(surface)
    # Shuffled: in the order of picking, pooling would keep the first points and hide mistaken node numbers.
    picks = rng.permutation(farthest_points(cloud, POINTS))
    return cloud[picks], frame.apply(face.landmark_positions), frame.unit


if __name__ == "__main__":
    sys.exit(main())
