import pytest

from equivariance_zoo.training.extras import import_extra


def test_what_is_there_is_imported():
    assert import_extra("json.decoder", "tests", "dev").__name__ == "json.decoder"


def test_what_is_not_there_says_how_to_get_it():
    with pytest.raises(
        ImportError, match=r"charts: absent_package is needed \(.*\): pip install \"equivariance\[x\]\""
    ):
        import_extra("absent_package", "charts", "x")
