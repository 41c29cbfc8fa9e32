"""Scans in any pose and unit, and things that are no faces: `python -m benchmarks.prediction --model FILE`.

Written to docs/results/prediction.md.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import trimesh
from scipy.spatial.transform import Rotation

from benchmarks.made import made_with
from equivariance_zoo.faces import load_ict
from equivariance_zoo.faces.geometry.sampling import sample_triangles
from equivariance_zoo.training.files import replace_file
from se3unet.prediction import CONFIDENT, UNITS_MM, Prediction, Predictor, Scan

PAGE = Path(__file__).parent.parent / "docs" / "results" / "prediction.md"
SEED, THREADS, MM_PER_CM = 4000, 1, 10.0
NOSE = 30
OPPOSITE = (
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), 45, 44, 43, 42, 47, 46, 39, 38, 37, 36,
    41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
)  # fmt: skip
"""The landmark on the other side of the face, for each of the 68."""
HEAD = (
    "| scan | scans | taken for faces | unit right | confidence: least, median, largest | mean error (mm) "
    "| worst scan (mm) | median processor time (s) |",
    "|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True, eq=False)
class Case:
    """A scan in millimetres, upright, and where its landmarks are, if it has any."""

    points: np.ndarray
    triangles: np.ndarray | None
    landmarks: np.ndarray | None


Change = Callable[[Case, np.random.Generator], Case]


def cloud(case: Case, rng: np.random.Generator, count: int = 20000) -> np.ndarray:
    return sample_triangles(case.points[case.triangles], count, rng)


def whole(case: Case, rng: np.random.Generator) -> Case:
    return case


def noisy(case: Case, rng: np.random.Generator) -> Case:
    return Case(cloud(case, rng) + rng.normal(scale=0.5, size=(20000, 3)), None, case.landmarks)


def sparse(case: Case, rng: np.random.Generator) -> Case:
    return Case(cloud(case, rng, 3000), None, case.landmarks)


def front(case: Case, rng: np.random.Generator) -> Case:
    """Returns the part that a scanner in front of the face sees: no ears, neck or back of the head."""
    points, nose, chin = cloud(case, rng, 60000), case.landmarks[NOSE], case.landmarks[8]
    seen = (points[:, 2] > nose[2] - 95) & (points[:, 1] > chin[1] - 15) & (points[:, 1] < nose[1] + 110)
    return Case(points[seen], None, case.landmarks)


def child(case: Case, rng: np.random.Generator) -> Case:
    return Case(0.8 * case.points, case.triangles, 0.8 * case.landmarks)


def back(case: Case, rng: np.random.Generator) -> Case:
    """A head without its face."""
    points = cloud(case, rng, 40000)
    return Case(points[points[:, 2] < case.landmarks[NOSE, 2] - 85], None, None)


def mirrored(case: Case, rng: np.random.Generator) -> Case:
    """The mirror image, which is a face like any other; its right is the other's left."""
    return Case(case.points * [-1, 1, 1], case.triangles, (case.landmarks * [-1, 1, 1])[list(OPPOSITE)])


FACES: dict[str, Change] = {
    "whole head, mesh": whole,
    "whole head, 20,000 points, noise of 0.5 mm": noisy,
    "whole head, 3,000 points": sparse,
    "face alone, seen from the front": front,
    "child: head of 80 %": child,
    "whole head in a mirror": mirrored,
}
OTHERS: dict[str, Change] = {"head without its face": back}


def heads(model: Path, count: int, change: Change) -> Iterator[tuple[Case, np.random.Generator]]:
    ict = load_ict(model)
    for number in range(count):
        rng = np.random.default_rng([SEED, number])
        mesh = ict.neutral(rng.standard_normal(len(ict.identity_modes)))
        vertices = mesh.vertices * MM_PER_CM
        yield change(Case(vertices, mesh.triangles, vertices[mesh.landmarks]), rng), rng


def shapes() -> dict[str, trimesh.Trimesh]:
    """Things of the size of a head."""
    make = trimesh.creation
    return {
        "ball": make.icosphere(4, 100.0),
        "egg": make.icosphere(4, 1.0).apply_scale((75, 110, 95)),
        "box": make.box((160, 220, 190)),
        "capsule": make.capsule(120, 75),
        "cylinder": make.cylinder(80, 220),
        "ring": make.torus(90, 40),
        "cone": make.cone(100, 220),
        "screen": make.box((300, 200, 2)),
    }


def measured(predictor: Predictor, name: str, cases: Iterator[tuple[Case, np.random.Generator]]) -> str:
    """A line of the table."""
    confidences, errors, seconds, right = [], [], [], 0
    for number, (case, rng) in enumerate(cases):
        unit = list(UNITS_MM)[number % len(UNITS_MM)]
        rotation, shift = Rotation.random(rng=rng), rng.normal(scale=500, size=3)
        points = (rotation.apply(case.points) + shift) / UNITS_MM[unit]
        start = time.process_time()
        prediction = predictor.predict(Scan(name, points, case.triangles))
        seconds.append(time.process_time() - start)
        confidences.append(prediction.confidence)
        right += prediction.unit == unit
        if case.landmarks is not None:
            errors.append(error(prediction, rotation.apply(case.landmarks) + shift))
    taken = sum(confidence >= CONFIDENT for confidence in confidences)
    spread = ", ".join(f"{f(confidences):.2f}" for f in (min, np.median, max))
    told = [f"{np.mean(errors):.2f}", f"{max(errors):.2f}"] if errors else ["-", "-"]
    units = f"{right}" if errors else "-"
    cells = [name, f"{len(confidences)}", f"{taken}", units, spread, *told, f"{np.median(seconds):.1f}"]
    return f"| {' | '.join(cells)} |"


def error(prediction: Prediction, landmarks: np.ndarray) -> float:
    """The mean error of a scan in millimetres."""
    found = prediction.landmarks.numpy() * UNITS_MM[prediction.unit]
    return float(np.linalg.norm(found - landmarks, axis=1).mean())


def page(rows: list[str], command: str) -> str:
    where = made_with(("torch", "numpy", "trimesh"), f"CPU, {THREADS} thread")
    return (
        "# Scans in any pose and unit\n\n"
        f"Made by `{command}` with {where}.\n\n"
        "Heads of random people of the ICT-FaceKit model, who are not among those of the training: each turned at\n"
        "random over all rotations, moved by half a metre, and given in millimetres, centimetres, metres, inches\n"
        "and the unit of prepared faces by turns; nothing is told of it. A scan is taken for a face from a confidence\n"
        f"of {CONFIDENT:g} on. Errors are those of all scans, taken for faces or not. Processor times are of a whole\n"
        "prediction, the guess of the unit and the search included; what is no face is tried in two units.\n\n"
        f"{chr(10).join([*HEAD, *rows])}\n"
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the packed ICT-FaceKit model (.npz)")
    parser.add_argument("--heads", type=int, default=20, help="of each kind; default: 20")
    parser.add_argument("--checkpoint", type=Path, help="in place of the one that comes with the package")
    parser.add_argument("--output", type=Path, default=PAGE, help="the page to write")
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    predictor, rows = Predictor(options.checkpoint, "cpu"), []
    for name, change in {**FACES, **OTHERS}.items():
        row = measured(predictor, name, heads(options.model, options.heads, change))
        print(row, flush=True)
        rows.append(row)
    for name, shape in shapes().items():
        case = Case(np.asarray(shape.vertices, dtype=np.float64), np.asarray(shape.faces), None)
        row = measured(predictor, name, iter([(case, np.random.default_rng(SEED))]))
        print(row, flush=True)
        rows.append(row)
    command = f"python -m benchmarks.prediction --model {options.model.name} --heads {options.heads}"
    replace_file(options.output, page(rows, command).encode())


if __name__ == "__main__":
    main()
