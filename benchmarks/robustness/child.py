"""Runs a command line in a forked child, in a folder of its own, and judges how it ended."""

import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

CODES = (0, 1, 2, 130)
TRACEBACK, SLOW = 70, "still running"
_MEMORY = 6 * 2**30


class Ended(NamedTuple):
    """The end of a command line.

    Attributes:
        code: The exit code; "still running" after the limit of time.
        error: The text on standard error.
        left: The files and folders that are new.
        inputs: Number of inputs that the command takes one after the other; each may have a line of its own.
    """

    code: int | str
    error: str
    left: tuple[str, ...]
    inputs: int = 1

    @property
    def fault(self) -> str:
        """The fault in words, or ""."""
        if self.code == SLOW:
            return ""
        if self.code not in CODES or "Traceback" in self.error:
            return f"exit code {self.code}"
        if self.code == 2 and not (1 <= self.error.count("\n") <= self.inputs and self.error.endswith("\n")):
            return f"{self.error.count(chr(10))} lines on standard error"
        if self.code == 2 and self.left:
            return f"left behind: {', '.join(self.left)}"
        return ""


def run_in_child(main: Callable[[Sequence[str]], int], arguments: Sequence[str], files: Path, seconds: int) -> Ended:
    """Runs `main(arguments)` in a copy of the folder `files`, with limits of time and memory."""
    place = Path(tempfile.mkdtemp(prefix="robustness-"))
    work, errors = place / "work", place / "errors"
    try:
        shutil.copytree(files, work)
        before = set(work.rglob("*"))
        child = os.fork()
        if child == 0:
            _run(main, arguments, work, errors, seconds)
        status = os.waitpid(child, 0)[1]
        signalled = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
        code = SLOW if signalled else os.waitstatus_to_exitcode(status)
        text = errors.read_text(errors="replace") if errors.exists() else ""
        new = sorted(str(path.relative_to(work)) for path in set(work.rglob("*")) - before)
        inputs = 2 if "predict" in arguments[:1] else 1
        return Ended(code, text, tuple(name for name in new if "__pycache__" not in name), inputs)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _run(main, arguments, work, errors, seconds):
    """Runs in the child, and never returns."""
    code = TRACEBACK
    try:
        os.chdir(work)
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT, 0o600), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False, errors="backslashreplace")  # noqa: SIM115
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        code = main(arguments)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else TRACEBACK
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
