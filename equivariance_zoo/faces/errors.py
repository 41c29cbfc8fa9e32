"""The exception of this package."""


class FaceError(ValueError):
    """A face, or an argument about one, that cannot be used; the message names it, its value and what was expected."""
