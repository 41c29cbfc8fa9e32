"""The exceptions of the package. Each message names the argument, its value and the expected value.

Raised by all packages; users may catch them. The module imports nothing of the package but `_printable`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

from equivariance._printable import printable


def _shorten(value: object, limit: int = 120) -> str:
    """Returns the `repr` of a value in one line of at most `limit` characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def first_line(error: BaseException) -> str:
    """Returns the first line of the message of an error."""
    return next(iter(str(error).strip().splitlines()), "no message")


def _rebuild(kind: type[BaseException], *args: object) -> BaseException:
    """Returns an exception without a call of its constructor, for unpickling."""
    return kind.__new__(kind, *args)


class ArgumentError(ValueError):
    """An argument that cannot be used.

    Attributes:
        argument: Name of the argument.
        value: The given value.
        expected: The expected value, in words.
    """

    def __init__(self, argument: str, value: object, expected: str) -> None:
        self.argument = argument
        self.value = value
        self.expected = expected
        super().__init__(printable(" ".join(f"{argument}={_shorten(value)}: expected {expected}".splitlines())))

    def __reduce__(self) -> tuple[Callable[..., BaseException], tuple[object, ...], dict[str, object]]:
        """Pickles the exception without its constructor arguments, so that it can pass between processes."""
        return _rebuild, (type(self), *self.args), self.__dict__


_MOST_LISTED = 30
"""Largest number of names that a message lists; of more names it lists the nearest."""


class ChoiceError(ArgumentError):
    """A name that is not one of the existing names; the message lists them, or the nearest of many."""

    def __init__(self, argument: str, value: object, choices: Iterable[str]) -> None:
        names = sorted(set(choices))
        super().__init__(argument, value, _one_of(str(value), names))


def _one_of(value: str, names: list[str]) -> str:
    """Returns the words for one of some names."""
    if not names:
        return "one of an empty list: there are none"
    if len(names) <= _MOST_LISTED:
        return f"one of {', '.join(names)}"
    near = difflib.get_close_matches(value, names, n=10, cutoff=0.5) or sorted(names, key=lambda n: (len(n), n))[:10]
    return f"one of {len(names)} names, for example {', '.join(near)}"


class ContractError(ArgumentError):
    """A representation that does not fit the value for which it is declared."""


class UndeclaredTensorError(ContractError):
    """A tensor without a declared representation.

    The shape of a tensor does not show how it transforms. "Unchanged" would be a guess too, so None must be declared
    for a tensor that the symmetry does not change.
    """

    def __init__(self, path: str, shape: tuple[int, ...]) -> None:
        super().__init__(
            path,
            f"tensor of shape {shape}",
            "a representation: an irreps string for its last axis, 'cartesian_points', or None if it does not change",
        )


class ForeignElementError(ArgumentError):
    """An element that is not in the group by which a value transforms, for example a tilt for fields on a plane."""


class TransformedInputError(ArgumentError):
    """A network that runs on its inputs and raises an error on transformed inputs.

    Attributes:
        reason: The type and the first line of the network's error; the error itself is `__cause__`.
    """

    def __init__(self, element: object, error: BaseException) -> None:
        self.reason = f"{type(error).__name__}: {first_line(error)}"
        expected = f"a callable that runs on transformed inputs too; under this one it raised {self.reason}"
        super().__init__("group", element, expected)


class MissingDependencyError(ImportError):
    """An optional package that the requested work needs is missing."""

    def __init__(self, package: str, purpose: str, install: str) -> None:
        super().__init__(f"{purpose} needs the package {package}: {install}")


class EquivarianceAssertionError(AssertionError):
    """Raised by `equivariance.assert_equivariant`; its message is the report."""
