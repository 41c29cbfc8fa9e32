"""Small right files of every kind that the programs read, and damage to them."""

import json
import pickle
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from equivariance.cli.main import main as diagnose
from equivariance_zoo import faces
from equivariance_zoo.faces.__main__ import main as faces_main
from equivariance_zoo.faces.faceset import FaceSet
from equivariance_zoo.scenes.__main__ import main as scenes
from equivariance_zoo.steerable3d.__main__ import main as steerable3d
from equivariance_zoo.steerable3d.checkpoint import build, save
from equivariance_zoo.steerable3d.settings import Run
from se3unet.__main__ import main as se3unet

_UNET = "[unet]\nlevels=1\nchannels=1\nmax_degree=1\nneighbours=4\nblocks=1\nhead_width=4\n"
_TRAINING = "[training]\nbatch=2\nepochs=1\nvalidation=0.4\n"
_TETRIS = '[data]\nkind="tetris"\nsize=4\ncopies=1\nrotations=1\n[network]\nname="tetris"\n[training]\nepochs=1\n'
_STATE = {
    "epoch": 1, "global_step": 8, "pytorch-lightning_version": "2.6", "state_dict": {"weight": torch.zeros(2)},
    "loops": {}, "callbacks": {}, "optimizer_states": [], "lr_schedulers": [],
}  # fmt: skip

COMMANDS = {
    "s.toml": ("se3unet", ["train", "s.toml", "--data", "train.npz", "--output", "out", "--quiet"]),
    "train.npz": ("se3unet", ["train", "s.toml", "--data", "train.npz", "--output", "out", "--quiet"]),
    "net.safetensors": ("se3unet", ["predict", "a.obj", "--output", "out", "--checkpoint", "net.safetensors"]),
    "a.obj": ("se3unet", ["predict", "a.obj", "--output", "out", "--unit", "mm"]),
    "a.ply": ("se3unet", ["predict", "a.ply", "--output", "out", "--unit", "mm"]),
    "a.off": ("se3unet", ["predict", "a.off", "--output", "out", "--unit", "mm"]),
    "a.stl": ("se3unet", ["predict", "a.stl", "--output", "out", "--unit", "mm"]),
    "resumed/state.ckpt": ("se3unet", ["train", "s.toml", "--data", "train.npz", "--output", "resumed", "--resume",
                                       "--quiet"]),
    "c.toml": ("steerable3d", ["train", "c.toml", "--output", "out", "--quiet"]),
    "resumed/last.ckpt": ("steerable3d", ["train", "c.toml", "--output", "resumed", "--resume", "--quiet"]),
    "steer.safetensors": ("steerable3d", ["evaluate", "steer.safetensors"]),
    "scans/a.json": ("faces", ["prepare", "files", "--folder", "scans", "--output", "out", "--workers", "1"]),
    "csv/a.csv": ("faces", ["prepare", "files", "--folder", "csv", "--output", "out", "--workers", "1"]),
    "pts/a.pts": ("faces", ["prepare", "files", "--folder", "pts", "--output", "out", "--workers", "1"]),
    "ljson/a.ljson": ("faces", ["prepare", "files", "--folder", "ljson", "--output", "out", "--workers", "1"]),
    "evil.npy": ("faces", ["prepare", "facescape", "--file", "evil.npy", "--unpickle", "--output", "out"]),
    "w.pt": ("diagnose", ["--subject", "benchmarks.robustness.subjects:broken", "--samples", "1", "--checkpoint",
                          "w.pt", "--quiet"]),
}  # fmt: skip
"""File -> the command that reads it."""


def mains() -> dict[str, Callable[[Sequence[str]], int]]:
    """Returns the main functions of the programs, by name."""
    return {"diagnose": diagnose, "se3unet": se3unet, "faces": faces_main, "scenes": scenes, "steerable3d": steerable3d}


def write_all(folder: Path) -> None:
    """Writes a right file of every kind."""
    for name in ("scans", "csv", "pts", "ljson", "resumed"):
        (folder / name).mkdir()
    (folder / "s.toml").write_text(_UNET + _TRAINING)
    (folder / "c.toml").write_text(_TETRIS)
    few = faces.sample(4)
    numbers = torch.arange(6) % 4
    FaceSet(
        few.positions[numbers, :96].contiguous(), few.landmarks[numbers], few.positions[numbers],
        few.unit_mm[numbers], tuple(f"s{n}" for n in range(6)), ("neutral",) * 6, "test",
    ).save(folder / "train.npz")  # fmt: skip
    _write_meshes(folder)
    points = np.random.default_rng(0).standard_normal((68, 3)).round(3) * 30
    rows = [[float(v) for v in row] for row in points]
    (folder / "scans/a.json").write_text(json.dumps(rows))
    (folder / "csv/a.csv").write_text("\n".join(",".join(map(str, row)) for row in rows))
    (folder / "ljson/a.ljson").write_text(json.dumps({"version": 2, "landmarks": {"points": rows}}))
    (folder / "pts/a.pts").write_text(
        "\n".join(["version: 1", "n_points: 68", "{", *(" ".join(map(str, r)) for r in rows), "}"])
    )
    torch.save(_STATE, folder / "resumed/state.ckpt")
    torch.save(_STATE, folder / "resumed/last.ckpt")
    torch.save({"weight": torch.zeros(3, 3)}, folder / "w.pt")
    (folder / "evil.npy").write_bytes(pickle.dumps({"point_list": np.zeros((1, 9, 3)), "names": ["a"]}, protocol=2))
    (folder / "net.safetensors").write_bytes(
        safetensors.torch.save({"weight": torch.zeros(2)}, {"format": "se3unet-1"})
    )
    run = Run.from_dict(
        {"data": {"kind": "tetris", "size": 4, "copies": 1, "rotations": 1}, "network": {"name": "tetris"}}
    )
    save(folder / "steer.safetensors", build(run), run, {})


def _write_meshes(folder: Path) -> None:
    corners = [(0, 0, 0), (100, 0, 0), (0, 100, 0), (0, 0, 100)]
    triangles = [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)]
    lines = [" ".join(map(str, c)) for c in corners]
    obj = "\n".join([*(f"v {line}" for line in lines), *(f"f {a + 1} {b + 1} {c + 1}" for a, b, c in triangles)])
    for place in ("a.obj", "scans/a.obj", "csv/a.obj", "pts/a.obj", "ljson/a.obj"):
        (folder / place).write_text(obj)
    listed = [f"3 {a} {b} {c}" for a, b, c in triangles]
    (folder / "a.off").write_text("\n".join(["OFF", "4 4 0", *lines, *listed]))
    head = "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
    head += "element face 4\nproperty list uchar int vertex_indices\nend_header"
    (folder / "a.ply").write_text("\n".join([head, *lines, *listed]))
    facets = "".join(
        "facet normal 0 0 0\nouter loop\n" + "".join(f"vertex {lines[n]}\n" for n in t) + "endloop\nendfacet\n"
        for t in triangles
    )
    (folder / "a.stl").write_text(f"solid a\n{facets}endsolid a\n")


NUMBER = (
    b"9" * 5000,
    b"1" + b"0" * 400,
    b"-1",
    b"1e400",
    b"nan",
    b"99999999999999999999",
    b"[]",
    b'"x"',
    b"{}",
    b"true",
)
WHOLE = (b"", b"x", b"\0" * 64, b"PK\3\4" + b"0" * 60, b"[" * 100_000, b"{" * 100_000, b"\x80\x04]\x94h\x00a.", b"null",
         b"\xff\xfe" * 50, b'"' + b"x" * 200_000, b"a=" + b"[" * 5000, b"\x93NUMPY\x01\x00")  # fmt: skip


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Returns a file with one kind of damage: cut, replaced, with flipped bytes, repeated, or with another number."""
    kind = rng.choice(("cut", "whole", "flip", "flip", "number", "number", "number", "lines", "twice", "insert"))
    at = rng.randrange(max(len(content), 1))
    if kind == "cut":
        return content[:at]
    if kind == "whole":
        return rng.choice(WHOLE)
    if kind == "flip":
        changed = bytearray(content)
        for _ in range(rng.choice((1, 3, 30))):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        return bytes(changed)
    if kind == "number":
        places = [n for n, byte in enumerate(content[:20_000]) if 48 <= byte < 58]
        at = rng.choice(places) if places else at
        return content[:at] + rng.choice(NUMBER) + content[at + 1 :]
    if kind == "lines":
        lines = content.split(b"\n")
        rng.shuffle(lines)
        return b"\n".join(lines)
    return content + content if kind == "twice" else content[:at] + rng.choice(WHOLE)[:1000] + content[at:]
