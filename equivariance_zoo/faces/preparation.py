"""Prepares faces as clouds for a network: crop, dense surface, unit frame, even picks.

The command `prepare` calls it. It reads no file, and moves no face out of its unit frame (`conditions`).
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from equivariance_zoo.faces.crop import crop as crop_like_facescape
from equivariance_zoo.faces.errors import FaceError, name_in_errors
from equivariance_zoo.faces.face import Face, Source
from equivariance_zoo.faces.faceset import FaceSet
from equivariance_zoo.faces.geometry.sampling import farthest_points, sample_triangles, unit_frame

POINTS = 1024
SURFACE_POINTS = 8192
"""Points of the dense surface: FaceScape's resolution in the report."""


@dataclass(frozen=True, eq=False)
class _Prepared:
    positions: npt.NDArray[np.float32]
    landmarks: npt.NDArray[np.float32]
    surface: npt.NDArray[np.float32]
    unit_mm: float
    subject: str
    expression: str


@dataclass(frozen=True, eq=False)
class _Work:
    source: Source
    points: int
    surface_points: int
    seed: int
    crop: bool

    def prepare(self, number: int) -> _Prepared:
        face = self.source[number]
        if face.landmarks is None:
            raise FaceError(f"{face.name}: expected 68 landmarks but it has none")
        rng = np.random.default_rng([self.seed, number])
        with name_in_errors(face.name):
            dense = _dense(crop_like_facescape(face) if self.crop else face, self.surface_points, rng)
            frame = unit_frame(dense)
        surface = frame.apply(dense)
        picks = rng.permutation(farthest_points(surface, self.points))
        return _Prepared(
            positions=surface[picks].astype(np.float32),
            landmarks=frame.apply(face.landmarks).astype(np.float32),
            surface=surface.astype(np.float32),
            unit_mm=frame.unit,
            subject=face.subject,
            expression=face.expression,
        )


def prepare(
    source: Source,
    points: int = POINTS,
    surface_points: int = SURFACE_POINTS,
    seed: int = 0,
    crop: bool = True,
    progress: Callable[[], object] | None = None,
    workers: int = 1,
) -> FaceSet:
    """Prepares every face of a source.

    Each face is cropped to the part that FaceScape shows. `surface_points` points are drawn from its mesh by area. Of a
    cloud, they are drawn without repetition; if the cloud has exactly as many points, all are taken in order. They are
    centred at their mean and divided by their largest absolute coordinate. `points` of them are picked by farthest
    point sampling and shuffled. In the order of picking, pooling would keep the first points and hide mistaken node
    numbers.

    Args:
        source: The faces.
        points: N, the size of a network's cloud.
        surface_points: S, the size of the dense cloud.
        seed: Random seed. The points of a face depend on the seed and on its number in the source only.
        crop: If True, faces are cropped; not needed for cropped sources.
        progress: Called once after each face.
        workers: Processes that prepare. If above 1, the source is copied to each process, and a script must call
            `prepare` under `if __name__ == "__main__":`.

    Raises:
        FaceError: If a face cannot be used, the source has no faces, or a process was ended.
        OSError: If a file cannot be read.
    """
    if not 0 < points <= surface_points:
        raise FaceError(f"points={points}: expected from 1 to the {surface_points} points of the surface")
    if seed < 0:
        raise FaceError(f"seed={seed}: expected at least 0")
    if not len(source):
        raise FaceError(f"{source.name}: expected at least one face but it has none")
    work = _Work(source, points, surface_points, seed, crop)
    results = []
    for result in map(work.prepare, range(len(source))) if workers == 1 else _in_processes(work, workers):
        results.append(result)
        if progress is not None:
            progress()
    return FaceSet(
        positions=torch.from_numpy(np.stack([face.positions for face in results])),
        landmarks=torch.from_numpy(np.stack([face.landmarks for face in results])),
        surface=torch.from_numpy(np.stack([face.surface for face in results])),
        unit_mm=torch.tensor([face.unit_mm for face in results], dtype=torch.float64),
        subjects=tuple(face.subject for face in results),
        expressions=tuple(face.expression for face in results),
        source=source.name,
    )


def _dense(face: Face, count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    if face.triangles is not None:
        return sample_triangles(face.points[face.triangles], count, rng)
    if len(face.points) == count:
        return face.points
    if len(face.points) < count:
        raise FaceError(f"expected at least the {count} points of the surface but the cloud has {len(face.points)}")
    return face.points[rng.choice(len(face.points), size=count, replace=False)]


_WORK: list[_Work] = []
"""The work of a preparing process, set when the process starts."""


def _in_processes(work: _Work, workers: int) -> Iterator[_Prepared]:
    # Spawned processes: a fork of a process in which PyTorch has started threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(work,)) as pool:
        try:
            yield from pool.map(_prepare, range(len(work.source)))
        except BrokenProcessPool:
            raise FaceError(f"workers={workers}: a process was ended from outside; too little memory?") from None


def _start(work: _Work) -> None:
    # Ctrl-C goes to all processes; only the caller's process reports it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _WORK.append(work)


def _prepare(number: int) -> _Prepared:
    return _WORK[0].prepare(number)
