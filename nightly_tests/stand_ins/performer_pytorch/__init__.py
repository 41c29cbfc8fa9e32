"""A name that GraphGPS imports; the examined layer attends by PyTorch's own module."""

__all__ = ["SelfAttention"]


class SelfAttention:
    """Attention that is not used here."""
