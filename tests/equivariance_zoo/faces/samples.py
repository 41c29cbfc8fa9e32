"""Small sources and sets of faces made for the tests."""

from dataclasses import dataclass, field

import numpy as np
import torch

from equivariance_zoo import faces
from equivariance_zoo.faces import Face, FaceSet

MM = 130.0


def face_mesh(number=0, **changes):
    """A built-in face in millimetres as a coarse mesh: each point makes a triangle with its two nearest neighbours."""
    sample = faces.sample()
    points = sample.positions[number % 4].double().numpy()[:400] * MM
    nearest = np.square(points[:, None] - points).sum(-1).argsort(1)[:, :3]
    landmarks = sample.landmarks[number % 4].double().numpy() * MM
    fields = {"name": f"face-{number}", "subject": f"person-{number // 2}", "expression": "neutral", "points": points}
    return Face(**{**fields, "triangles": nearest, "landmarks": landmarks, **changes})


@dataclass
class Listed:
    """A source of given faces."""

    faces: list[Face] = field(default_factory=lambda: [face_mesh(number) for number in range(4)])
    name: str = "listed"

    def __len__(self):
        return len(self.faces)

    def __getitem__(self, index):
        return self.faces[index]


def face_set(count=4, points=64, **changes):
    """Built-in faces as a set, two subjects of two faces each."""
    sample = faces.sample(count)
    fields = {
        "positions": sample.positions[:, :points],
        "landmarks": sample.landmarks,
        "surface": sample.positions[:, : 2 * points],
        "unit_mm": sample.unit_mm,
        "subjects": tuple(f"person-{number // 2}" for number in range(count)),
        "expressions": ("neutral", "smile") * (count // 2) + ("neutral",) * (count % 2),
        "source": "samples",
    }
    return FaceSet(**(fields | changes))


def same(one, other):
    """True if two sets are equal in every bit."""
    return all(
        torch.equal(getattr(one, name), getattr(other, name))
        for name in ("positions", "landmarks", "surface", "unit_mm")
    ) and (one.subjects, one.expressions, one.source) == (other.subjects, other.expressions, other.source)
