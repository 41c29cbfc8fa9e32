"""Time of the first use of `equivariance` beyond PyTorch's own import: `python -m benchmarks.import_time`."""

import argparse
import statistics
import subprocess
import sys

RUNS = 7
CODE = """
import time
start = time.perf_counter()
import torch
middle = time.perf_counter()
import equivariance
equivariance.check
print(middle - start, time.perf_counter() - middle)
"""


def main() -> None:
    """Print the medians over fresh interpreters, in seconds."""
    argparse.ArgumentParser(prog="python -m benchmarks.import_time", description=__doc__).parse_args()
    rows = [
        [
            float(word)
            for word in subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True).stdout.split()
        ]
        for _ in range(RUNS)
    ]
    torch_seconds, own_seconds = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"import torch       {torch_seconds:.2f} s\nequivariance.check {own_seconds:.2f} s more (medians of {RUNS})")


if __name__ == "__main__":
    main()
