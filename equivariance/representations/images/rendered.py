"""Pictures that a renderer makes from the parameters of a scene, anew for every element.

Used for inputs. The renderer is any callable; the package has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.axes import BatchAxis, NodeAxis
from equivariance.representations.base import Representation
from equivariance.representations.images.presented import Presented
from equivariance.representations.standard import as_representation


@dataclass(frozen=True, kw_only=True)
class Rendered(Presented):
    """A picture of a scene. The argument holds the parameters of the scene, and elements act on these.

    The callable receives `render(parameters)`. Under an element g it receives `render(g parameters)`, so that
    content at the border, hidden surfaces and shading are those of the moved scene.

    Attributes:
        render: Takes the parameters, a tensor or a dict of tensors, and returns the picture, a tensor. Equal parameters
            must give equal pictures.
        scene: The representation of the parameters: one, or one for each key.
        parameters: The parameters of the example; set by the harness.

    Raises:
        ArgumentError: If `render` is no callable, or `scene` no representation.
    """

    render: Callable[[Any], torch.Tensor]
    scene: Any
    parameters: Any = field(default=None, compare=False, repr=False)
    picture: torch.Tensor | None = field(default=None, compare=False, repr=False)
    number: int = field(default=0, repr=False)
    nodes: NodeAxis = None
    batch: BatchAxis = None

    def __post_init__(self) -> None:
        """Parses the representations of the scene."""
        if not callable(self.render):
            raise ArgumentError("render", self.render, "a callable that takes the parameters of the scene")
        given = dict(self.scene) if isinstance(self.scene, (Mapping, tuple)) else self.scene
        if isinstance(given, dict):
            pairs = tuple((key, as_representation(how, f"scene[{key!r}]")) for key, how in given.items())
            object.__setattr__(self, "scene", pairs)
        else:
            object.__setattr__(self, "scene", as_representation(given, "scene"))

    def present(self, value: Any, path: str) -> tuple[torch.Tensor, Representation]:
        """Returns the picture of the scene, and the representation that remembers the parameters."""
        for _, tensor, how in self._leaves(value, path):
            how.check(tensor, path)
        picture = self._picture(value, path)
        return picture.clone(), replace(self, parameters=value, picture=picture, number=id(picture))

    def acted_on(self, tensor: torch.Tensor) -> Iterator[tuple[torch.Tensor, Representation]]:
        """Yields the parameters of the scene with their representations."""
        yield from ((t, how) for _, t, how in self._leaves(self.parameters, "scene"))

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Returns the picture of the moved scene; changes of the picture itself stay in place."""
        return self.transform(values, element)

    def transform(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Renders the transformed scene. A difference of `tensor` from the picture of the example is added.

        Raises:
            ArgumentError: If the renderer returns no tensor.
        """
        if self.picture is None or element == Transform():
            return tensor
        moved = {key: how.transform(t, element) for key, t, how in self._leaves(self.parameters, "scene")}
        made = self._picture(moved if isinstance(self.scene, tuple) else moved[""], "scene").to(tensor)
        before = self.picture.to(tensor)
        return made + (tensor - before) if made.shape == tensor.shape == before.shape else made

    def _picture(self, parameters: Any, path: str) -> torch.Tensor:
        picture = self.render(parameters)
        if not isinstance(picture, torch.Tensor) or not picture.is_floating_point():
            raise ContractError(path, type(picture).__name__, "a renderer that returns a floating-point tensor")
        return picture.detach()

    def _leaves(self, value: Any, path: str) -> Iterator[tuple[str, torch.Tensor, Representation]]:
        """Yields key, tensor and representation of each parameter; the key of a single one is ""."""
        if not isinstance(self.scene, tuple):
            if not isinstance(value, torch.Tensor):
                raise ContractError(path, type(value).__name__, "a tensor: the parameters of the scene")
            yield "", value, self.scene
            return
        if not isinstance(value, Mapping) or set(value) != {key for key, _ in self.scene}:
            expected = f"a dict of tensors with the keys {[key for key, _ in self.scene]}"
            raise ContractError(path, type(value).__name__, expected)
        yield from ((key, value[key], how) for key, how in self.scene)
