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
from pathlib import Path

from benchmarks.speed.case import Case
from benchmarks.speed.peers import missing

ROOT = Path(__file__).parents[2]
OURS = ("network", "block", "layer", "published")
PARTS: dict[str, tuple[Case, ...]] = {
    "network": tuple(
        Case(subject, batch=batch, keeps=keeps)
        for batch in (1, 3)
        for subject, keeps in (("network", False), ("network", True), ("published", False), ("original", False))
    ),
    "block": (Case("block"), Case("nvidia"), Case("lucidrains")),
    "layer": (Case("layer"), Case("e3nn"), Case("e3nn", compiled=True)),
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

SIZES = ("points", "batch", "neighbours", "channels", "degree")
"""Parts over a size, which is an attribute of the cases."""


@dataclass(frozen=True)
class Figures:
    """Medians over the rounds: seconds, seconds and MiB."""

    forward: float
    step: float
    peak: float


def run(parts: Sequence[str], rounds: int, repeats: int, threads: int, kept: Path) -> Iterator[tuple[Case, Figures]]:
    """The figures of every case of the parts that can run; each round goes over all cases of a part, alternating.

    What other parts have measured already is taken from there. A peer that does not run is left out and told.
    """
    sources = digest()
    for part in parts:
        found: dict[Case, list[dict[str, float]]] = {case: [] for case in PARTS[part] if not missing(case)}
        for number in range(rounds):
            for case in list(found):
                key = json.dumps([sources, number, repeats, threads, asdict(case)])
                row = _recall(kept, key) or _measure(case, repeats, threads)
                if row:
                    _keep(kept, key, row)
                    found[case].append(row)
                else:
                    del found[case]
        for case, rows in found.items():
            yield case, Figures(**{name: statistics.median(row[name] for row in rows) for name in rows[0]})


def _recall(kept: Path, key: str) -> dict[str, float] | None:
    lines = kept.read_text().splitlines() if kept.exists() else []
    entries = dict(json.loads(line) for line in lines)
    return entries.get(key)


def _keep(kept: Path, key: str, row: dict[str, float]) -> None:
    if _recall(kept, key) is None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with kept.open("a") as file:
            file.write(json.dumps([key, row]) + "\n")


def _measure(case: Case, repeats: int, threads: int) -> dict[str, float]:
    """Empty where a peer does not run with the packages that are installed; that ours does not is an error."""
    command = [sys.executable, "-m", "benchmarks.speed.worker", json.dumps(asdict(case)), str(threads), str(repeats)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode and case.subject in OURS:
        sys.exit(f"{case}: {done.stderr[-2000:]}")
    if done.returncode:
        print(f"{case} did not run: {done.stderr[-300:]}", file=sys.stderr, flush=True)
        return {}
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(case, row, flush=True)
    return row


def digest() -> str:
    """Of the sources that decide the figures."""
    measuring = [ROOT / "benchmarks" / "speed" / f"{name}.py" for name in ("case", "ours", "peers", "worker")]
    networks = [file for folder in ("", "dense", "published") for file in (ROOT / "se3unet" / folder).glob("*.py")]
    files = sorted([*networks, *measuring])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
