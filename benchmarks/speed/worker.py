"""Measures one case in this process: `python -m benchmarks.speed.worker CASE THREADS REPEATS`, JSON in and out."""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.speed.case import Case
from benchmarks.speed.subjects import SUBJECTS
from equivariance_zoo.training.memory import keep_freed_memory

ENOUGH = 30


def measured(case: Case, repeats: int) -> dict[str, float]:
    """Median seconds of a forward pass without gradients and of a training step, and the peak of the memory in MiB."""
    if case.keeps:
        keep_freed_memory()
    built = SUBJECTS[case.subject](case)
    optimizer = torch.optim.Adam(built.parameters)

    def step() -> None:
        optimizer.zero_grad()
        built.loss(built.forward()).backward()
        optimizer.step()

    step_time = _median(step, repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with torch.no_grad():
        forward_time = _median(built.forward, repeats)
    return {"forward": forward_time, "step": step_time, "peak": peak}


def _median(run: Callable[[], Any], repeats: int) -> float:
    """Of ``repeats`` runs, or of as many as are begun within `ENOUGH` seconds; the first does not count."""
    run()
    times: list[float] = []
    while len(times) < repeats and sum(times) < ENOUGH:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Read the case from the command line, print the figures."""
    settings, threads, repeats = sys.argv[1:]
    torch.set_num_threads(int(threads))
    print(json.dumps(measured(Case(**json.loads(settings)), int(repeats))))


if __name__ == "__main__":
    main()
