"""Runs the measurements in processes of their own, one case after the other in rounds; what is done is kept."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.speed.case import NVIDIA_FOLDER, Case

ROOT = Path(__file__).parents[2]
PARTS: dict[str, tuple[Case, ...]] = {
    "network": tuple(
        Case(subject, batch=batch, keeps=keeps)
        for batch in (1, 3)
        for subject, keeps in (("network", False), ("network", True), ("published", False))
    ),
    "block": (Case("block"), Case("nvidia")),
    "layer": (Case("layer"),),
    "points": tuple(Case("network", points=n) for n in (256, 512, 1024, 2048, 4096, 8192, 16384)),
    "batch": tuple(Case("network", batch=b) for b in (1, 2, 4, 8, 16, 32)),
    "neighbours": tuple(Case("network", neighbours=k) for k in (10, 20, 40, 80)),
    "channels": tuple(Case("network", channels=c) for c in (5, 10, 20, 40)),
    "degree": tuple(Case("network", degree=d) for d in (1, 2, 3)),
    "precision": (
        Case("network"),
        Case("network", precision="float64"),
        Case("network", precision="bfloat16"),
        Case("network", compiled=True),
    ),
}


@dataclass(frozen=True)
class Figures:
    """Medians over the rounds: seconds, seconds and MiB."""

    forward: float
    step: float
    peak: float


def missing(case: Case) -> str:
    """What the case needs and is not there; empty where nothing is."""
    if case.subject in ("published", "nvidia") and find_spec("dgl") is None:
        return "needs DGL: pip install 'equivariance[dgl]'"
    if case.subject == "nvidia" and not os.environ.get(NVIDIA_FOLDER):
        return f"set {NVIDIA_FOLDER} to the folder env/SE3Transformer of a clone of RosettaCommons/RFdiffusion"
    return ""


def run(parts: Sequence[str], rounds: int, repeats: int, threads: int, kept: Path) -> Iterator[tuple[Case, Figures]]:
    """The figures of every case of the parts that can run; each round goes over all cases of a part, alternating."""
    sources = digest()
    for part in parts:
        cases = [case for case in PARTS[part] if not missing(case)]
        found: dict[Case, list[dict[str, float]]] = {case: [] for case in cases}
        for number in range(rounds):
            for case in cases:
                key = json.dumps([sources, part, number, repeats, threads, asdict(case)])
                found[case].append(_recall(kept, key) or _measure(case, repeats, threads, kept, key))
        for case, rows in found.items():
            yield case, Figures(**{name: statistics.median(row[name] for row in rows) for name in rows[0]})


def _recall(kept: Path, key: str) -> dict[str, float] | None:
    lines = kept.read_text().splitlines() if kept.exists() else []
    entries = dict(json.loads(line) for line in lines)
    return entries.get(key)


def _measure(case: Case, repeats: int, threads: int, kept: Path, key: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.speed.worker", json.dumps(asdict(case)), str(threads), str(repeats)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{case}: {done.stderr[-2000:]}")
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    with kept.open("a") as file:
        file.write(json.dumps([key, row]) + "\n")
    print(case, row, flush=True)
    return row


def digest() -> str:
    """Of the sources that decide the figures."""
    files = sorted([*ROOT.glob("se3unet/**/*.py"), *ROOT.glob("benchmarks/speed/*.py")])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
