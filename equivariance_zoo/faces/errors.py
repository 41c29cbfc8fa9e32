"""The exception of `faces`, and the place that its message begins with."""

from collections.abc import Iterator
from contextlib import contextmanager


class FaceError(ValueError):
    """A face or an argument that cannot be used. The message names it, its value and the expected value."""


@contextmanager
def name_in_errors(place: object) -> Iterator[None]:
    """Writes a file or a face before the message of a `FaceError`, unless the message begins with it.

    Raises:
        FaceError: If the block raises one.
    """
    try:
        yield
    except FaceError as error:
        message = str(error)
        raise FaceError(message if message.startswith(str(place)) else f"{place}: {message}") from None
