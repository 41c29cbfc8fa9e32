"""Makes `python -m equivariance` the same command as `python -m equivariance.diagnose`."""

from equivariance.cli.main import run_as_command

if __name__ == "__main__":
    run_as_command()
