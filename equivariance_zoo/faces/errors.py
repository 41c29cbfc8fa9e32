"""The exception of `faces`."""


class FaceError(ValueError):
    """A face or an argument that cannot be used. The message names it, its value and the expected value."""
