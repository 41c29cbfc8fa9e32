"""Runs all diagnoses in processes of one thread each; what is done is kept, so that a run can go on later."""

from __future__ import annotations

import gc
import hashlib
import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

from benchmarks.defects.case import Case
from benchmarks.defects.catalogue import CASES, runnable
from benchmarks.defects.peers import Peer
from benchmarks.defects.score import Outcome, Task, outcome
from equivariance.report.files import write_text

ROOT = Path(__file__).parents[2]
CHUNK = 8


def tasks(cases: Sequence[Case], dtypes: Sequence[str], seeds: range, settings: Sequence[str]) -> list[Task]:
    """All that is to be done: each seed takes every sound module, and every defect at one of its depths, in turn.

    Seeds are outermost, so that a run that is stopped has seen every defect.
    """
    at_depths: dict[str, list[Case]] = {}
    for case in cases:
        at_depths.setdefault(case.truth.marker if case.truth else case.name, []).append(case)
    return [
        Task(case.name, dtype, seed, setting)
        for seed in seeds
        for depths in at_depths.values()
        for case in [depths[seed % len(depths)]]
        for dtype in dtypes
        for setting in settings
        if dtype in case.dtypes and runnable(case) and (setting == "bare" or (case.truth and case.declares))
    ]


def run(wanted: Sequence[Task], jobs: int, kept: Path | None) -> Iterator[Outcome]:
    """Outcomes as they come: those in the file ``kept`` that the same sources made, then new ones, appended to it."""
    sources = digest()
    known = _read(kept, sources)
    yield from (known[task] for task in wanted if task in known)
    missing = [task for task in wanted if task not in known]
    chunks = [missing[i : i + CHUNK] for i in range(0, len(missing), CHUNK)]
    # Set before the processes import torch.
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(_outcomes, chunk) for chunk in chunks]):
            found = future.result()
            if kept is not None:
                with kept.open("a") as file:
                    file.writelines(json.dumps({"sources": sources, **asdict(o)}) + "\n" for o in found)
            yield from found


def _outcomes(chunk: list[Task]) -> list[Outcome]:
    import torch

    torch.set_num_threads(1)
    # Imported objects stay: the collector need not go through them again and again.
    gc.freeze()
    by_name = {case.name: case for case in CASES}
    return [outcome(by_name[task.case], task) for task in chunk]


def digest() -> str:
    """Of the sources of the harness and of the benchmark."""
    found = hashlib.sha256()
    for folder in ("equivariance", "benchmarks/defects", "se3unet"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _read(kept: Path | None, sources: str) -> dict[Task, Outcome]:
    if kept is None or not kept.exists():
        return {}
    text = kept.read_text()
    if not text.endswith("\n"):  # a run was killed as it wrote
        text = text[: text.rfind("\n") + 1]
        write_text(kept, text)
    entries = (json.loads(line) for line in text.splitlines())
    outcomes = (_outcome(entry) for entry in entries if entry.pop("sources") == sources)
    return {found.task: found for found in outcomes}


def _outcome(entry: dict) -> Outcome:
    peers = {name: Peer(**entry.pop(name)) for name in ("assertion", "hooks")}
    return Outcome(Task(**entry.pop("task")), **peers, **entry)
