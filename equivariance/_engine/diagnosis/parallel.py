"""Runs pieces of work in copies of this process, which know all that it knows and hand back what they found."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import warnings
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

import torch

Told = Callable[[Any], None]
"""Is told of progress, in something that can be pickled."""

T = TypeVar("T")


def in_processes(works: Sequence[Callable[[Told], T]], jobs: int, told: Told) -> Iterator[tuple[int, T]]:
    """The number and the result of each piece of work, as they come; `jobs` at a time, one thread each.

    A piece of work is given what it may tell of its progress with: `told` is called with the same.

    Raises:
        what a piece of work raises; the others are ended then
    """
    running: dict[Connection, tuple[int, BaseProcess]] = {}
    left = list(enumerate(works))[::-1]
    try:
        while left or running:
            while left and len(running) < jobs:
                number, work = left.pop()
                receiver, process = _started(work)
                running[receiver] = number, process
            ready = wait(list(running))
            for receiver in [r for r in running if r in ready]:
                number, process = running[receiver]
                kind, value = _received(receiver, process)
                if kind == "told":
                    told(value)
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


def _started(work: Callable[[Told], Any]) -> tuple[Connection, BaseProcess]:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_work, args=(work, sender), daemon=True)
    with warnings.catch_warnings():
        # Python warns of threads that others started, and that the copy will not have: it uses none.
        warnings.filterwarnings("ignore", ".*multi-threaded.*", DeprecationWarning)
        process.start()
    sender.close()
    return receiver, process


def _work(work: Callable[[Told], Any], sender: Connection) -> None:
    """What the copy does; it says nothing itself, and leaves without the goodbyes of the process that it is one of."""
    try:
        torch.set_num_threads(1)
        sender.send_bytes(_packed("returned", work(lambda words: sender.send_bytes(_packed("told", words)))))
    except BaseException as error:  # of whatever kind: it is raised where it can be handled
        sender.send_bytes(_packed_error(error))
    finally:
        os._exit(0)


def _packed(kind: str, value: Any) -> bytes:
    return pickle.dumps((kind, value))


def _packed_error(error: BaseException) -> bytes:
    """The error, or one in words where it cannot be packed."""
    try:
        packed = _packed("raised", error)
        pickle.loads(packed)
    except Exception:  # whatever an exception of somebody else's says to that
        return _packed("raised", RuntimeError(f"{type(error).__name__}: {error}"))
    return packed


def _received(receiver: Connection, process: BaseProcess) -> tuple[str, Any]:
    try:
        kind, value = pickle.loads(receiver.recv_bytes())
    except EOFError:
        process.join()
        return "raised", RuntimeError(f"a process of the examination ended with code {process.exitcode}")
    return kind, value
