"""The exceptions: each names the argument, its value and what was expected."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def _shorten(value: object, limit: int = 120) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return next(iter(str(error).strip().splitlines()), "no message")


def _remade(kind: type[BaseException], *args: object) -> BaseException:
    return kind.__new__(kind, *args)


class ArgumentError(ValueError):
    """An argument that cannot be used.

    Attributes:
        argument: Name of the offending argument
        value: What was given
        expected: What would have been accepted, in words
    """

    def __init__(self, argument: str, value: object, expected: str) -> None:
        self.argument = argument
        self.value = value
        self.expected = expected
        super().__init__(f"{argument}={_shorten(value)}: expected {expected}")

    def __reduce__(self) -> tuple[Callable[..., BaseException], tuple[object, ...], dict[str, object]]:
        """Between processes it goes as it is, whatever arguments its class takes."""
        return _remade, (type(self), *self.args), self.__dict__


class ChoiceError(ArgumentError):
    """A name that is not among those that exist; the message lists them."""

    def __init__(self, argument: str, value: object, choices: Iterable[str]) -> None:
        listed = ", ".join(sorted(choices))
        super().__init__(argument, value, f"one of {listed}" if listed else "one of an empty list: there are none")


class ContractError(ArgumentError):
    """A representation that does not fit the value it is declared for."""


class UndeclaredTensorError(ContractError):
    """A tensor for which no representation was declared.

    How a tensor transforms cannot be guessed from its shape, and "unchanged" would be a guess too:
    declare `None` for a tensor that the symmetry leaves alone.
    """

    def __init__(self, path: str, shape: tuple[int, ...]) -> None:
        super().__init__(
            path,
            f"tensor of shape {shape}",
            "a representation: an irreps string for its last axis, 'cartesian_points', or None if it does not change",
        )


class ForeignElementError(ArgumentError):
    """An element that does not belong to the group by which a value transforms (a tilt, for fields on a plane)."""


class MissingDependencyError(ImportError):
    """An optional package that the requested work needs."""

    def __init__(self, package: str, purpose: str, install: str) -> None:
        super().__init__(f"{purpose} needs the package {package}: {install}")


class EquivarianceAssertionError(AssertionError):
    """Raised by `equivariance.assert_equivariant`; its text is the report."""
