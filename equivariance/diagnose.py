"""Runs the command `python -m equivariance.diagnose`.

An import raises ImportError, because the imported module would replace the function `equivariance.diagnose`.
"""

if __name__ not in ("__main__", "__mp_main__"):
    raise ImportError("equivariance.diagnose is a command; from Python use equivariance.cli.main or eq.diagnose")

from equivariance.cli.main import run_as_command

if __name__ == "__main__":
    run_as_command()
