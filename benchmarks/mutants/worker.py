"""Answers tasks about one library, in its environment: JSON lines on standard input and output.

Each task runs in a process of its own, a fork of this one, in which PyTorch and the harness are imported already.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import tempfile
import warnings
from importlib import import_module
from typing import Any

import torch

from benchmarks.mutants import outcome, survey
from benchmarks.mutants.libraries import LIBRARIES, Library
from benchmarks.mutants.mutate import Site


def answer(library: Library, task: dict[str, Any]) -> Any:
    """Returns the answer to one task."""
    what, module = task["task"], task.get("module", "")
    if what in ("judge", "answer"):
        site = Site(task["operator"], tuple(task["place"]), task["text"])
        return (outcome.judged if what == "judge" else outcome.answered)(library, module, task["file"], site)
    if what == "sites":
        return survey.sites_of(library, module, *task["lines"])
    if what == "names":
        return survey.module_names(library)
    return {"lines": survey.lines_of, "compare": outcome.compared, "control": outcome.diagnosed}[what](library, module)


def in_a_process(library: Library, task: dict[str, Any]) -> dict[str, Any]:
    """Returns {"answer": ...}, {"raised": ...} or {"timeout": seconds}."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        with tempfile.TemporaryDirectory() as home:
            os.environ["HOME"] = home  # libraries keep files of constants there, which a mutant may make wrong
            sys.stdout = sys.stderr
            try:
                made = {"answer": answer(library, task)}
            except Exception as error:  # the library was changed at random
                made = {"raised": f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"}
        with os.fdopen(write, "w") as pipe:
            json.dump(made, pipe)
            pipe.flush()
        os._exit(0)
    os.close(write)
    return _received(read, child, task["limit"])


def _received(read: int, child: int, limit: float) -> dict[str, Any]:
    parts = []
    with os.fdopen(read, "rb") as pipe:
        while True:
            ready, _, _ = select.select([pipe], [], [], limit)
            if not ready:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return {"timeout": limit}
            part = os.read(pipe.fileno(), 1 << 16)
            if not part:
                break
            parts.append(part)
    os.waitpid(child, 0)
    made: dict[str, Any] = json.loads(b"".join(parts)) if parts else {"raised": "the process ended without a word"}
    return made


def main(name: str) -> None:
    """Answer until the input ends."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    library = next(entry for entry in LIBRARIES if entry.name == name)
    for module in ("equivariance.api", *(() if library.package == "e3nn" else ("e3nn.o3",))):
        import_module(module)
    for line in sys.stdin:
        print(json.dumps(in_a_process(library, json.loads(line))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
