"""Runs surveys, comparisons and diagnoses in the environments of the libraries; each task has a time limit."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.mutants.libraries import LIBRARIES, Library
from benchmarks.mutants.plain import HELD
from benchmarks.mutants.plan import Chosen, chosen, merged
from benchmarks.mutants.store import ROOT, Store, state

TASK, SHARD = 150.0, 480.0
"""Seconds for one task, and for one shard."""
BY_NAME = {library.name: library for library in LIBRARIES}


class OutOfTime(Exception):
    """The shard has no time for a further task."""


class Worker:
    """A process in the environment of a library that answers tasks."""

    def __init__(self, library: Library, folder: Path) -> None:
        python = library.python(folder)
        # e3nn 0.4.4 keeps constants in files that PyTorch reads only when it is told to trust them.
        more = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
                "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1", "WARP_CACHE_PATH": str(folder / "warp")}  # fmt: skip
        command = [str(python), "-W", "ignore", "-m", "benchmarks.mutants.worker", library.name]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
            env={**os.environ, **more},
        )  # fmt: skip

    def ask(self, **task: Any) -> dict[str, Any]:
        """Returns {"answer": ...}, {"raised": ...} or {"timeout": seconds}."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the worker has no pipes")
        self._process.stdin.write(json.dumps({"limit": TASK, **task}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker ended at task={task}")
        made: dict[str, Any] = json.loads(line)
        return made

    def close(self) -> None:
        """Ends the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


@dataclass
class Runner:
    """Answers tasks from the store, or asks the worker of the library; one worker runs at a time.

    Attributes:
        folder: The folder of the environments.
        store: The answers.
        deadline: The time, by `time.monotonic`, after which no task starts.
    """

    folder: Path
    store: Store
    deadline: float = float("inf")
    _worker: Worker | None = None
    _library: str = ""

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._worker is not None:
            self._worker.close()

    def answer(self, kind: str, library: str, key: Iterable[Any], **task: Any) -> dict[str, Any]:
        """Returns the answer to a task, of `kind` "survey", "compare", "judge", "control" or "answer".

        Raises:
            OutOfTime: If it is not in the store, and the time is over.
        """
        full = [kind, state(kind, BY_NAME[library].cases), library, BY_NAME[library].version, *key]
        found = self.store.get(full)
        if found is None:
            if time.monotonic() > self.deadline:
                raise OutOfTime
            found = self._of(library).ask(**task)
            self.store.put(full, found)
        made: dict[str, Any] = found
        return made

    def known(self, kind: str, library: str, key: Iterable[Any]) -> dict[str, Any] | None:
        """Returns the answer in the store, or None."""
        full = [kind, state(kind, BY_NAME[library].cases), library, BY_NAME[library].version, *key]
        made: dict[str, Any] | None = self.store.get(full)
        return made

    def _of(self, library: str) -> Worker:
        if self._worker is None or self._library != library:
            if self._worker is not None:
                self._worker.close()
            self._worker, self._library = Worker(BY_NAME[library], self.folder), library
        return self._worker


def modules(runner: Runner, library: str) -> list[str]:
    """Returns the names of the modules of a library."""
    names: list[str] = runner.answer("survey", library, ("names",), task="names")["answer"]
    return names


def mutants(runner: Runner, library: str, seeds: Iterable[int]) -> list[Chosen]:
    """Returns the mutants of a library, after a survey of the modules that hold all that they claim."""
    sites = {}
    for module in modules(runner, library):
        found = runner.answer("compare", library, (module,), task="compare", module=module)
        if "answer" not in found or max(found["answer"]["errors"].values()) > HELD:
            continue
        lines = runner.answer("survey", library, ("lines", module), task="lines", module=module)
        found = runner.answer("survey", library, ("sites", module), task="sites", module=module, lines=lines["answer"])
        sites[module] = found["answer"]
    return chosen(library, merged(sites), seeds)


def mutant(runner: Runner, entry: Chosen) -> dict[str, Any]:
    """Returns the record of one mutant: the choice, the judgement, and for a counted one the answer of the harness."""
    change = {"operator": entry.operator, "file": entry.file, "place": list(entry.place), "text": entry.text}
    key = entry.module, entry.operator, entry.file, list(entry.place), entry.text
    task = {"module": entry.module, **change}
    judged = runner.answer("judge", entry.library, key, task="judge", **task)
    record = {"choice": asdict(entry), "judged": judged.get("answer", {"status": "crashed", "why": str(judged)[:300]})}
    if record["judged"]["status"] == "counted":
        record["answer"] = runner.answer("answer", entry.library, key, task="answer", **task)
    return record


def control(runner: Runner, library: str, module: str) -> dict[str, Any]:
    """Returns the errors of an unchanged module, and the answer of the harness."""
    errors = runner.answer("compare", library, (module,), task="compare", module=module)
    return {"library": library, "module": module, "compared": errors,
            "answer": runner.answer("control", library, (module,), task="control", module=module)}  # fmt: skip


def all_of(tasks: Iterable[Callable[[], dict[str, Any]]]) -> tuple[list[dict[str, Any]], int]:
    """Returns the results of the tasks, and the number of those for which the time was too short."""
    found, left = [], 0
    for task in tasks:
        try:
            found.append(task())
        except OutOfTime:
            left += 1
    return found, left
