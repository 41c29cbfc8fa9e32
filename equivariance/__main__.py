"""``python -m equivariance`` is ``python -m equivariance.diagnose``."""

import sys

from equivariance.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
