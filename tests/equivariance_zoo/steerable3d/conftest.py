import pytest

from tests.equivariance_zoo.steerable3d.small import SMALL


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path
