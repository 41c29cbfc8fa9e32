"""Memory and processor time of a diagnosis: `python -m benchmarks.resources`, a section of docs/results/costs.md.

Memory over what recordings may hold of it, and time over the number of processes; every figure is of a fresh process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from benchmarks.costs import PAGE, SEED, diagnosed, subjects
from benchmarks.depth import unet
from benchmarks.made import made_with
from benchmarks.sections import write_section

LAYERS, SAMPLES, SMALL, MANY = 32, 4, 12, 32
LIMITS = (8.0, 1.0, 0.25, 0.0)
JOBS = (1, 2)
MEBIBYTE = 2**20
HEADING = "Memory and processes"

T = TypeVar("T")


@dataclass(frozen=True)
class Taken:
    """Seconds by the clock; the peak of the process's private memory, and what it held before, in bytes."""

    seconds: float
    peak: int
    before: int


def limited(gibibytes: float) -> Taken:
    """A diagnosis of a graph network whose recordings may hold so much memory."""
    torch.set_num_threads(1)
    subject = subjects()[0]
    made = subject.network(False, torch.float64, LAYERS)
    return _watched(lambda: diagnosed(subject, *made, SAMPLES, memory=gibibytes))


def shared(jobs: int) -> Taken:
    """A diagnosis of the SE(3)-Unet in so many processes, with as many threads where there is one."""
    torch.set_num_threads(max(JOBS))
    subject, group = unet(), ["se3", "permutation", "batch"]
    made = subject.network(False, torch.float32)
    return _watched(lambda: diagnosed(subject, *made, SAMPLES, group=group, jobs=jobs))


def shared_small(jobs: int) -> Taken:
    """The same of a graph network of many small operations, whose time Python takes."""
    torch.set_num_threads(max(JOBS))
    subject, group = subjects()[0], ["e3", "permutation"]
    made = subject.network(False, torch.float64, SMALL)
    return _watched(lambda: diagnosed(subject, *made, MANY, group=group, jobs=jobs))


def _watched(run: Callable[[], None]) -> Taken:
    before, peak, done = _private(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            peak[0] = max(peak[0], _private())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        run()
    finally:
        seconds = time.perf_counter() - start
        done.set()
        watcher.join()
        peak[0] = max(peak[0], _private())
    return Taken(seconds, peak[0], before)


def _private() -> int:
    """Bytes that this process holds for itself; those of mapped files the system can write out."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


def fresh(measure: Callable[[float], T], value: float) -> T:
    """Returns the measurement of a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, value).result()


def text(limits: dict[float, Taken], jobs: dict[str, dict[int, Taken]], where: str) -> str:
    """The section."""
    rows = [
        f"| {limit:g} | {t.peak / MEBIBYTE:,.0f} | {t.before / MEBIBYTE:,.0f} | {t.seconds:.0f} |"
        for limit, t in limits.items()
    ]
    more = [
        f"| {name} | {count} | {t.seconds:.0f} | {taken[1].seconds / t.seconds:.2f} |"
        for name, taken in jobs.items()
        for count, t in taken.items()
    ]
    return (
        f"Made by `python -m benchmarks.resources` with {where}; each row is one run in\n"
        "a process of its own.\n\n"
        f"`eq.diagnose(..., memory=GiB)` on the graph network of 64 channels and {LAYERS} layers in float64, whose\n"
        "layers are inferred, one thread. *peak*: of the process's own memory, without mapped files, which the\n"
        "system writes out when it needs the memory. *before*: of that, what the process held when the diagnosis\n"
        "began.\n\n"
        "| limit, GiB | peak, MiB | before, MiB | seconds |\n| ---: | ---: | ---: | ---: |\n" + "\n".join(rows) + "\n\n"
        f"`eq.diagnose(..., jobs=N)`: one process of {max(JOBS)} threads, or several of one thread each. The\n"
        "SE(3)-Unet has two clouds of 1,024 points, and 4 samples of four symmetries each; the graph network has\n"
        f"64 channels, {SMALL} layers, and {MANY} samples of as many symmetries.\n\n"
        "| network | processes | seconds | times as fast |\n| --- | ---: | ---: | ---: |\n" + "\n".join(more)
    )


def main() -> None:
    """Measure, print, write."""
    argparse.ArgumentParser(prog="python -m benchmarks.resources", description=__doc__).parse_args()
    torch.manual_seed(SEED)
    limits = {limit: fresh(limited, limit) for limit in LIMITS}
    print(limits, flush=True)
    networks = {"SE(3)-Unet": shared, "graph network": shared_small}
    jobs = {name: {count: fresh(run, count) for count in JOBS} for name, run in networks.items()}
    print(jobs, flush=True)
    where = made_with(("torch", "e3nn", "numpy", "scipy"), "CPU", f"{multiprocessing.cpu_count()} cores")
    write_section(HEADING, text(limits, jobs, where), PAGE)


if __name__ == "__main__":
    main()
