"""Shows text of networks, files and users so that it cannot act on a terminal, a log or a reader.

All packages call it before such text leaves the process. It imports nothing.
"""

from __future__ import annotations


def printable(text: str, kept: str = "\t") -> str:
    r"""Returns the text with escape sequences in place of characters that are not printable.

    Replaced are control characters (ESC, newlines, null bytes), marks that change the direction of text, invisible
    characters and halves of surrogate pairs: everything that `repr` escapes, except a backslash and quotation marks.

    Args:
        text: The text.
        kept: Characters that stay as they are.

    >>> printable("a\x1b[31m\nb")
    'a\\x1b[31m\\nb'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in kept else repr(c)[1:-1] for c in text)


def one_line(error: BaseException) -> str:
    """Returns the message of an error as one printable line; its type if it has no message."""
    return printable(" ".join(str(error).split())) or type(error).__name__
