import pytest

from tests.se3unet.training.small import small_settings


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A network that has learned nothing."""
    pytest.importorskip("safetensors", reason="checkpoints: pip install safetensors")
    from se3unet.training.checkpoint import save_checkpoint
    from se3unet.training.networks import build

    path = tmp_path_factory.mktemp("predict") / "model.safetensors"
    settings = small_settings()
    save_checkpoint(path, build(settings), settings, {})
    return path
