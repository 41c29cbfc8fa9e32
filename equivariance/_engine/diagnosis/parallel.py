"""Runs tasks in forked copies of this process and returns their results.

`examine` calls `in_processes`, one task per symmetry. This module knows nothing about symmetries.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

import torch

Progress = Callable[[Any], None]
"""Receives progress as a value that can be pickled."""

T = TypeVar("T")

_BETWEEN_LOOKS = 0.2
"""Seconds between two looks at the parent."""


def in_processes(works: Sequence[Callable[[Progress], T]], jobs: int, report: Progress) -> Iterator[tuple[int, T]]:
    """Yields (index, result) of each task in order of completion; runs `jobs` processes, one thread each.

    If a task raises an exception, the others are ended and the exception is raised here.

    Args:
        works: The tasks; each receives a function that reports its progress.
        jobs: Number of processes at one time.
        report: Called with each value that a task reports.
    """
    running: dict[Connection, tuple[int, BaseProcess]] = {}
    left = list(enumerate(works))[::-1]
    try:
        while left or running:
            while left and len(running) < jobs:
                number, work = left.pop()
                receiver, process = _start(work)
                running[receiver] = number, process
            ready = wait(list(running))
            for receiver in [r for r in running if r in ready]:
                number, process = running[receiver]
                kind, value = _receive(receiver, process)
                if kind == "progress":
                    report(value)
                    continue
                process.join()
                del running[receiver]
                if kind == "raised":
                    raise value
                yield number, value
    finally:
        for _, process in running.values():
            process.terminate()
            process.join()


def _start(work: Callable[[Progress], Any]) -> tuple[Connection, BaseProcess]:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_work, args=(work, sender, os.getpid()), daemon=True)
    with warnings.catch_warnings():
        # Python warns of running threads, which the copy will not have; the copy uses none of them.
        warnings.filterwarnings("ignore", ".*multi-threaded.*", DeprecationWarning)
        process.start()
    sender.close()
    return receiver, process


def _work(work: Callable[[Progress], Any], sender: Connection, parent: int) -> None:
    """Runs a task in the copy and sends the result. The copy ends without the exit handlers of its parent."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        torch.set_num_threads(1)
        sender.send_bytes(_pack("returned", work(lambda words: sender.send_bytes(_pack("progress", words)))))
    except BaseException as error:  # of whatever kind: it is raised where it can be handled
        sender.send_bytes(_pack_error(error))
    finally:
        os._exit(0)


def _end_with(parent: int) -> None:
    """Ends this process soon after its parent has ended, in whatever way: a killed parent cannot end its children."""
    while os.getppid() == parent:
        time.sleep(_BETWEEN_LOOKS)
    os._exit(1)


def _pack(kind: str, value: Any) -> bytes:
    return pickle.dumps((kind, value))


def _pack_error(error: BaseException) -> bytes:
    """Returns the pickled error; if it cannot be pickled, a RuntimeError with its text."""
    try:
        packed = _pack("raised", error)
        pickle.loads(packed)  # noqa: S301 (this process packed it)
    except Exception:  # an exception class of the user may fail in any way
        return _pack("raised", RuntimeError(f"{type(error).__name__}: {error}"))
    return packed


def _receive(receiver: Connection, process: BaseProcess) -> tuple[str, Any]:
    try:
        kind, value = pickle.loads(receiver.recv_bytes())  # noqa: S301 (a forked copy of this process packed it)
    except EOFError:
        process.join()
        return "raised", RuntimeError(f"a process of the examination ended with code {process.exitcode}")
    return kind, value
