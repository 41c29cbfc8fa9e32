"""How thoroughly to look.

The command line reads the defaults before it starts: this module does not import PyTorch until it is needed.
"""

from __future__ import annotations

import math
import multiprocessing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from equivariance.errors import ArgumentError
from equivariance.groups.sampling import Group
from equivariance.progress import UNOBSERVED, Observer

if TYPE_CHECKING:
    import torch

SAMPLES = 8
"""Elements per symmetry."""
MOST_SAMPLES = 1_000_000
MEMORY = 4.0
"""GiB: what a laptop can spare."""
MOST_SEED = 2**31 - 1
"""Seeds are counted on from this one, and NumPy takes none of 2**32 or more."""


@dataclass(frozen=True)
class Settings:
    """How thoroughly, and in which precision, to look.

    Attributes:
        samples: Elements per symmetry
        seed: Of everything random
        dtype: The precision that is judged; None for that of the module's parameters, or of the inputs
        max_translation: Longest translation in the units of the positions; None for ten times the extent of the cloud
        layers: Only report layers that match: a substring of the path or class name, or a glob
        claims: The symmetries that the subject claims; None for all that are tested
        inside: Whether to look for the statements at fault
        infer: Whether to infer what layers without a contract take and give
        memory: GiB of recorded values that are held in memory; more of them go to temporary files
        jobs: Processes that the symmetries are shared among
        observer: Is told of every step
    """

    samples: int = SAMPLES
    seed: int = 0
    dtype: torch.dtype | None = None
    max_translation: float | None = None
    layers: str | None = None
    claims: tuple[str, ...] | None = None
    inside: bool = True
    infer: bool = False
    memory: float = MEMORY
    jobs: int = 1
    observer: Observer = field(default=UNOBSERVED, compare=False)

    def claiming(self, group: Group) -> bool:
        """Whether the subject claims the symmetry."""
        return self.claims is None or group.symmetry in self.claims

    def __post_init__(self) -> None:
        """Reject what no run can use."""
        for name, least, most in (("samples", 1, MOST_SAMPLES), ("seed", 0, MOST_SEED)):
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise ArgumentError(name, value, f"a whole number of at least {least}, at most {most}")
        if type(self.memory) not in (int, float) or not 0 <= self.memory < math.inf:
            raise ArgumentError("memory", self.memory, "a number of GiB, 0 or more")
        check_jobs(self.jobs)
        if not (self.layers is None or isinstance(self.layers, str)):
            raise ArgumentError("layers", self.layers, "a substring of paths or class names, or a glob, as a string")


def check_jobs(jobs: int) -> None:
    """Raise where so many processes cannot share the work."""
    if type(jobs) is not int or jobs < 1:
        raise ArgumentError("jobs", jobs, "a whole number of processes, 1 or more")
    if jobs > 1 and "fork" not in multiprocessing.get_all_start_methods():
        raise ArgumentError("jobs", jobs, "1 where the system cannot copy a process (os.fork)")
    if jobs > 1 and _in_use_by_cuda():
        raise ArgumentError("jobs", jobs, "1 once CUDA is in use: copies of a process cannot use it")


def _in_use_by_cuda() -> bool:
    import torch

    return torch.cuda.is_initialized()
