"""Settings of an examination: number of samples, precision, limits and observers.

Made by the entry points and read by all stages of the engine. The module checks values and runs nothing. The command
line reads the defaults before it starts, so this module does not import PyTorch until it is needed.
"""

from __future__ import annotations

import math
import multiprocessing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from equivariance._deadline import UNLIMITED, Deadline
from equivariance.errors import ArgumentError
from equivariance.groups.sampling import Group
from equivariance.progress import UNOBSERVED, Observer

if TYPE_CHECKING:
    import torch

SAMPLES = 8
"""Elements per symmetry."""
MOST_SAMPLES = 1_000_000
MEMORY = 4.0
"""GiB that any laptop can provide."""
MOST_SEED = 2**31 - 1
"""Largest seed. Further seeds are counted up from it, and NumPy rejects 2**32 and more."""


@dataclass(frozen=True)
class Settings:
    """Settings of one examination.

    Attributes:
        samples: Number of elements for each symmetry.
        seed: Seed of all random numbers.
        dtype: The tested precision. None means the precision of the parameters, or of the inputs if there are none.
        max_translation: Longest translation, in the units of the positions. None means ten times the extent of the
            cloud.
        layers: A substring of the path or class name, or a glob; only matching layers are searched and reported.
        claims: The symmetries that the subject claims. None means all tested symmetries.
        named: The symmetries that the caller named; one of them that cannot be tested is a failure. None if the caller
            gave no group: those that apply to the arguments are then tested.
        inside: True searches for the statements at fault.
        infer: True infers the representations of layers without a contract.
        memory: GiB of recorded values that are kept in memory. More values go to temporary files.
        jobs: Number of processes that share the symmetries.
        observer: Called after every step.
        time_limit: Seconds that the examination may take; None for no limit.
        deadline: The end of this time; set by `started`.

    Raises:
        ArgumentError: If a value is out of range.
    """

    samples: int = SAMPLES
    seed: int = 0
    dtype: torch.dtype | None = None
    max_translation: float | None = None
    layers: str | None = None
    claims: tuple[str, ...] | None = None
    named: tuple[str, ...] | None = ()
    inside: bool = True
    infer: bool = False
    memory: float = MEMORY
    jobs: int = 1
    observer: Observer = field(default=UNOBSERVED, compare=False)
    time_limit: float | None = None
    deadline: Deadline = field(default=UNLIMITED, compare=False)

    def claiming(self, group: Group) -> bool:
        """True if the subject claims the symmetry of `group`."""
        return self.claims is None or group.symmetry in self.claims

    def started(self) -> Settings:
        """Returns the settings of an examination that begins now."""
        return replace(self, deadline=Deadline.after(self.time_limit))

    def __post_init__(self) -> None:
        """Rejects values with which nothing can run."""
        for name, least, most in (("samples", 1, MOST_SAMPLES), ("seed", 0, MOST_SEED)):
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise ArgumentError(name, value, f"a whole number of at least {least}, at most {most}")
        if type(self.memory) not in (int, float) or not 0 <= self.memory < math.inf:
            raise ArgumentError("memory", self.memory, "a number of GiB, 0 or more")
        limit = 1.0 if self.time_limit is None else self.time_limit
        if type(limit) not in (int, float) or not 0 < limit < math.inf:
            raise ArgumentError("time_limit", self.time_limit, "a positive number of seconds, or None")
        check_jobs(self.jobs)
        if not (self.layers is None or isinstance(self.layers, str)):
            raise ArgumentError("layers", self.layers, "a substring of paths or class names, or a glob, as a string")


def check_jobs(jobs: int) -> None:
    """Checks that `jobs` processes can share the work.

    Args:
        jobs: Number of processes.

    Raises:
        ArgumentError: If `jobs` is no positive whole number, or the system cannot fork, or CUDA is in use.
    """
    if type(jobs) is not int or jobs < 1:
        raise ArgumentError("jobs", jobs, "a whole number of processes, 1 or more")
    if jobs > 1 and "fork" not in multiprocessing.get_all_start_methods():
        raise ArgumentError("jobs", jobs, "1 where the system cannot copy a process (os.fork)")
    if jobs > 1 and _in_use_by_cuda():
        raise ArgumentError("jobs", jobs, "1 once CUDA is in use: copies of a process cannot use it")


def _in_use_by_cuda() -> bool:
    import torch

    return torch.cuda.is_initialized()
