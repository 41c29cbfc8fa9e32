"""The door of ``python -m equivariance.diagnose``. An import would hide the function of the same name: it is refused."""

if __name__ not in ("__main__", "__mp_main__"):
    raise ImportError("equivariance.diagnose is a command; from Python use equivariance.cli.main or eq.diagnose")

import sys

from equivariance.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
