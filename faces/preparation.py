"""From a face to the cloud that a network reads: crop, dense surface, unit frame, even picks."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch

from faces.crop import crop as crop_like_facescape
from faces.errors import FaceError
from faces.face import Face, Source
from faces.faceset import FaceSet
from faces.sampling import farthest_points, sample_triangles, unit_frame

POINTS = 1024
SURFACE_POINTS = 8192
"""FaceScape's resolution, as the report reads it."""


@dataclass(frozen=True, eq=False)
class _Prepared:
    positions: npt.NDArray[np.float32]
    landmarks: npt.NDArray[np.float32]
    surface: npt.NDArray[np.float32]
    unit_mm: float
    subject: str
    expression: str


def prepare(
    source: Source,
    points: int = POINTS,
    surface_points: int = SURFACE_POINTS,
    seed: int = 0,
    crop: bool = True,
    progress: Callable[[], object] | None = None,
    workers: int = 1,
) -> FaceSet:
    """Prepare every face of a source.

    Each face is cropped to the part that FaceScape shows; `surface_points` points are drawn from its mesh by area (of a
    cloud: without repetition; all of them in their order, if there are just so many), centred at their mean and divided
    by their largest absolute coordinate; `points` of them are picked by farthest point sampling, then shuffled: in the
    order of picking, pooling would keep the first points and hide any confusion of node numbers.

    Args:
        source: the faces.
        points: N, the size of a network's cloud.
        surface_points: S, the size of the dense cloud.
        seed: of everything random; a face's points depend on it and on the face's number in the source alone.
        crop: whether to crop; not needed where the faces are cropped already.
        progress: called once after each face.
        workers: processes that prepare; above 1, a script must call this under `if __name__ == "__main__":`.

    Raises:
        FaceError: a face cannot be used, or the source has none; the message names the face.
        OSError: a file cannot be read.
    """
    if not 0 < points <= surface_points:
        raise FaceError(f"points={points}: expected from 1 to the {surface_points} points of the surface")
    if seed < 0:
        raise FaceError(f"seed={seed}: expected at least 0")
    if not len(source):
        raise FaceError(f"{source.name}: expected at least one face but it has none")
    tasks = ((source[number], (points, surface_points, crop), [seed, number]) for number in range(len(source)))
    results = []
    for result in map(_prepare_one, tasks) if workers == 1 else _in_processes(tasks, workers):
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


def _prepare_one(task: tuple[Face, tuple[int, int, bool], list[int]]) -> _Prepared:
    face, (points, surface_points, cropped), seed = task
    if face.landmarks is None:
        raise FaceError(f"{face.name}: expected 68 landmarks but it has none")
    rng = np.random.default_rng(seed)
    try:
        dense = _dense(crop_like_facescape(face) if cropped else face, surface_points, rng)
        frame = unit_frame(dense)
    except FaceError as error:
        message = str(error)
        raise FaceError(message if message.startswith(face.name) else f"{face.name}: {message}") from None
    surface = frame.apply(dense)
    picks = rng.permutation(farthest_points(surface, points))
    return _Prepared(
        positions=surface[picks].astype(np.float32),
        landmarks=frame.apply(face.landmarks).astype(np.float32),
        surface=surface.astype(np.float32),
        unit_mm=frame.unit,
        subject=face.subject,
        expression=face.expression,
    )


def _dense(face: Face, count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    if face.triangles is not None:
        return sample_triangles(face.points[face.triangles], count, rng)
    if len(face.points) == count:
        return face.points
    if len(face.points) < count:
        raise FaceError(f"expected at least the {count} points of the surface but the cloud has {len(face.points)}")
    return face.points[rng.choice(len(face.points), size=count, replace=False)]


def _leave_interrupts_to_the_caller() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _in_processes(tasks: Iterator[tuple[Face, tuple[int, int, bool], list[int]]], workers: int) -> Iterator[_Prepared]:
    # Fresh processes: a copy of one in which PyTorch has started threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_interrupts_to_the_caller) as pool:
        waiting: list[Future[_Prepared]] = []
        try:
            # A few tasks ahead, not all: the source's faces would fill the memory.
            waiting += [pool.submit(_prepare_one, task) for task in islice(tasks, 4 * workers)]
            while waiting:
                result = waiting.pop(0).result()
                waiting += [pool.submit(_prepare_one, task) for task in islice(tasks, 1)]
                yield result
        finally:
            for future in waiting:
                future.cancel()
