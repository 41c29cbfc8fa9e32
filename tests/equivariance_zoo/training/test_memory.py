import subprocess
import sys

import pytest

from equivariance_zoo.training import memory

SCRIPT = """
import resource, torch
from equivariance_zoo.training.memory import keep_freed_memory
if {keep}:
    assert keep_freed_memory()
for _ in range(10):
    torch.ones(2**24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(keep):
    script = [sys.executable, "-c", SCRIPT.format(keep=keep)]
    return int(subprocess.run(script, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_kept_memory_is_not_mapped_again():
    """The first ten tensors are not counted: a small block in a freed place makes the next tensor find new room."""
    assert page_faults(True) < page_faults(False) / 4


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert not memory.keep_freed_memory()
