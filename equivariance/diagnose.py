"""The door of `python -m equivariance.diagnose`. An import is refused: it would hide the function `diagnose`."""

if __name__ not in ("__main__", "__mp_main__"):
    raise ImportError("equivariance.diagnose is a command; from Python use equivariance.cli.main or eq.diagnose")

from equivariance.cli.main import run_as_command

if __name__ == "__main__":
    run_as_command()
