"""Pictures per second at 64, 128 and 256 pixels: `python -m benchmarks.scenes`.

Writes docs/results/scenes.md. It needs the morphable model of the data folder, moderngl with EGL, and embreex.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.made import made_with
from equivariance.report.files import write_text

PAGE = Path(__file__).parents[2] / "docs" / "results" / "scenes.md"
SIZES = (64, 128, 256)
HEADS = 8
MODEL = Path(os.environ.get("EQUIVARIANCE_DATA", Path(__file__).parents[3] / "shared" / "data"))


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=40, help="pictures of each kind; default: 40")
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args()
    # Mesa's software renderer reads it when the context is made: one thread, as the others have.
    os.environ["LP_NUM_THREADS"] = "1"
    found = []
    for size in SIZES:
        for row in rows(size, options.repeats):
            print(row, flush=True)
            found.append(row)
    write_text(options.output, page(found, options.repeats))


def seconds(runs: dict[str, Callable[[int], Any]], repeats: int) -> dict[str, tuple[float, float]]:
    """Medians of processor time (of all threads) and of wall-clock time, in turns; the first two do not count."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for number in range(repeats + 2):
        for name, run in runs.items():
            start = time.process_time(), time.perf_counter()
            run(number % HEADS)
            if number >= 2:
                times[name].append((time.process_time() - start[0], time.perf_counter() - start[1]))
    return {name: tuple(statistics.median(kind) for kind in zip(*found, strict=True)) for name, found in times.items()}


class Task:
    """The same heads for all: weights of the model are drawn once; a picture begins with the vertices."""

    def __init__(self, size: int) -> None:
        from scipy.spatial.transform import Rotation

        from benchmarks.scenes.egl import Egl
        from equivariance_zoo.faces.models.ict import load_ict
        from equivariance_zoo.scenes.cameras import View, WeakPerspectiveCamera
        from equivariance_zoo.scenes.lighting import key_and_fill
        from equivariance_zoo.scenes.meshes.heads import HeadModel
        from equivariance_zoo.scenes.meshes.mesh import plain

        rng = np.random.default_rng(0)
        self.size, self.light = size, key_and_fill()
        self.model = HeadModel(load_ict(MODEL / "ict_face_model" / "ict_face_model.npz"))
        self.weights = [self.model.random_weights(rng) for _ in range(HEADS)]
        turns = Rotation.from_euler("xyz", rng.uniform([-40, -90, -45], [40, 90, 45], (HEADS, 3)), degrees=True)
        self.cameras = [WeakPerspectiveCamera(View(turn, self.model.centre), 1 / 15) for turn in turns.as_matrix()]
        colours = np.clip(0.6 + 0.1 * np.sin(self.model.mean), 0, 1)
        self.mesh = plain(self.model.mean, self.model.triangles, colours, gloss=0.1)
        self.egl = Egl(self.mesh.triangles, self.mesh.colours, self.mesh.gloss, self.light, size)

    def seen(self, number: int) -> tuple[Any, Any]:
        """Vertices and normals in the frame of the camera."""
        from equivariance_zoo.scenes import kernels

        seen = self.cameras[number].view.to_camera(self.model.vertices(*self.weights[number]))
        return seen, kernels.vertex_normals(seen, self.mesh.triangles, self.mesh.smoothing)

    def ours_buffers(self, number: int) -> Any:
        """Ours: depth, triangle, barycentric coordinates, normals and colours."""
        from equivariance_zoo.scenes.render import render_buffers

        _, normals = self.seen(number)
        mesh = self.mesh.with_vertices(self.model.vertices(*self.weights[number]))
        buffers = render_buffers(mesh, self.cameras[number], self.size)
        return buffers, buffers.interpolate(np.concatenate([normals, mesh.colours], axis=1))

    def ours_picture(self, number: int) -> Any:
        """Ours, shaded."""
        from equivariance_zoo.scenes.render import render_picture

        mesh = self.mesh.with_vertices(self.model.vertices(*self.weights[number]))
        return render_picture(mesh, self.cameras[number], self.light, self.size)

    def egl_buffers(self, number: int) -> Any:
        """EGL: the same in two targets."""
        return self.egl.buffers(self.cameras[number], *self.seen(number))

    def egl_picture(self, number: int) -> Any:
        """EGL, shaded."""
        return self.egl.picture(self.cameras[number], *self.seen(number))

    def embree_buffers(self, number: int) -> Any:
        """Embree: the same by rays."""
        from benchmarks.scenes import embree

        scale = self.cameras[number].scale
        return embree.buffers(*self.seen(number), self.mesh.triangles, self.mesh.colours, scale, self.size)

    def embree_picture(self, number: int) -> Any:
        """Embree, shaded."""
        from benchmarks.scenes import embree

        scale, mesh = self.cameras[number].scale, self.mesh
        return embree.picture(
            *self.seen(number), mesh.triangles, mesh.colours, mesh.gloss, self.light, scale, self.size
        )  # fmt: skip


def rows(size: int, repeats: int) -> Iterator[str]:
    """Lines of the table of one size."""
    task = Task(size)
    check(task)
    for what in ("buffers", "picture"):
        runs = {name: getattr(task, f"{name}_{what}") for name in ("ours", "egl", "embree")}
        found = seconds(runs, repeats)
        rates = " | ".join(f"{1 / found[name][0]:.0f}" for name in runs)
        ratios = " | ".join(
            f"{found[name][kind] / found['ours'][kind]:.1f}" for kind in (0, 1) for name in ("egl", "embree")
        )
        yield f"| {size} | {what} | {rates} | {ratios} |"


def check(task: Task) -> None:
    """All three make the same picture."""
    ours = task.ours_picture(0)
    for other in (task.egl_picture(0), task.embree_picture(0)):
        difference = float(np.abs(ours - other).mean())
        if difference > 0.02:
            raise ValueError(f"pictures: expected equal ones, got a mean difference of {difference:.3f}")


def sample_rate(size: int, repeats: int) -> float:
    """Whole samples of the data set in a second: looks, light, background, occluders, degradation, sparse labels."""
    from equivariance_zoo.scenes.datasets.heads import HeadSettings, sample

    model, settings = Task(size).model, HeadSettings(size=size)
    return 1 / seconds({"sample": lambda number: sample(model, settings, number)}, repeats)["sample"][0]


def page(found: list[str], repeats: int) -> str:
    """The page of results."""
    renderer = Task(SIZES[0]).egl.name
    where = made_with(("numba", "moderngl", "embreex", "trimesh", "numpy"), f"{os.cpu_count()} cores")
    samples = ", ".join(f"{sample_rate(size, repeats):.0f} at {size} pixels" for size in SIZES)
    head = "| pixels | what | ours | EGL | embree | to EGL | to embree | to EGL, wall | to embree, wall |"
    table = "\n".join([head, "|---|---|---|---|---|---|---|---|---|", *found])
    return f"""# Pictures per second

Made by `python -m benchmarks.scenes --repeats {repeats}` with {where}.
EGL is moderngl on {renderer}. Medians of {repeats} pictures of {HEADS} heads, in turns, one thread each, in one
run. The machine is shared with other work, so that rates are pictures in a second of processor time (of all threads of
the process), and the ratios are given for wall-clock time too: a second of a free core has as many pictures.

Each picture is a new head of 11,248 vertices and 22,288 triangles. All three begin with the weights of the morphable
model: its vertices and their normals are included. *Buffers*: depth, triangle, and six interpolated channels (normal,
colour), one sample for each pixel; ours has barycentric coordinates too. *Picture*: two lights, half-Lambert,
highlights, four samples for each pixel; EGL averages them itself (MSAA), embree traces four rays and shades them in
NumPy. Before the times are taken, the three pictures are compared: their mean difference is below 0.02 of white.

{table}

Whole samples of the data set (look, hair, eyes, light, background, occluder, blur, noise, JPEG, 68 landmarks with their
visibility), one process: {samples}, in a second of processor time.
"""


if __name__ == "__main__":
    main()
