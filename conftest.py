"""Settings of the tests, the property tests and the benchmarks: threads, Hypothesis profiles, the data folder."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# One thread per worker: pytest-xdist already fills the cores. Set before torch is first imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Without it the first import of DGL writes ~/.dgl/config.json, which parallel workers then read half-written.
os.environ.setdefault("DGLBACKEND", "pytorch")

# No deadlines: the time of an example says nothing about whether it is right.
_SLOW_EXAMPLES = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("dev", deadline=None, max_examples=25, suppress_health_check=_SLOW_EXAMPLES)
settings.register_profile(
    "ci", deadline=None, max_examples=50, derandomize=True, print_blob=True, suppress_health_check=_SLOW_EXAMPLES
)
settings.register_profile("nightly", deadline=None, max_examples=10_000, suppress_health_check=_SLOW_EXAMPLES)
settings.load_profile("dev")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Marks what needs a browser or anny as slow: ``-m "not slow"`` takes the place of the default selection."""
    for item in items:
        if item.get_closest_marker("browser") or item.get_closest_marker("anny"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded data: where EQUIVARIANCE_DATA points or beside the repository; skips if there is none."""
    folder = Path(os.environ.get("EQUIVARIANCE_DATA", Path(__file__).parent.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the data folder {folder}: put it there or set EQUIVARIANCE_DATA (see CONTRIBUTING.md)")
    return folder


@pytest.fixture(autouse=True)
def copies_stay_as_made():
    """After every diagnosis of every test, the copies of the module equal what was copied."""
    from tests.equivariance.helpers.unchanged_copies import watching

    with watching() as watched:
        yield
    assert not watched.changed()
