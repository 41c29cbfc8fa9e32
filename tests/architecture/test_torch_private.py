"""The private API of PyTorch is used in one file of the harness.

Searched for: imports of modules of torch with an underscore (also by name, in strings); attributes with an underscore
of anything that begins with `torch.`; and, on any object but `self`, attributes with an underscore that tensors,
storages, modules, autograd nodes, functions, operations, TorchScript or what `torch.compile` makes have, and such names
as strings in `getattr`, `hasattr` and `setattr`.
"""

import ast
import re

import pytest
import torch
from torch._ops import OpOverload, OpOverloadPacket

from tests.architecture.sources import module_of, sources

HOME = "equivariance._torch_private"
_OBJECTS = (
    *(torch.Tensor, torch.UntypedStorage, torch.nn.Module, torch.autograd.graph.Node, torch.autograd.Function),
    *(OpOverload, OpOverloadPacket, torch.jit.ScriptModule, torch.fx.GraphModule, torch.Generator),
)
# Attributes that instances get later are in no class.
_LATER = {"_orig_mod", "_torchdynamo_orig_callable", "_sequence_nr", "_schema", "_C", "_dynamo", "_functorch"}
_UNDERSCORE = re.compile(r"_(?!_)")
_MODULE = re.compile(r"torch(\.\w+)*\._(?!_)\w+")


def private_names():
    of_classes = {name for kind in _OBJECTS for name in dir(kind)}
    return {name for name in of_classes | set(vars(torch.nn.Module())) | _LATER if _UNDERSCORE.match(name)}


def dotted(node):
    """The text of a chain of attributes, "" for others."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""


def private_uses(source):
    names, found = private_names(), []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=aliases):
                found += [alias.name for alias in aliases if _MODULE.match(alias.name)]
            case ast.ImportFrom(module=str(origin), names=aliases):
                found += [f"{origin}.{a.name}" for a in aliases if _MODULE.match(f"{origin}.{a.name}")]
            case ast.Attribute(value=value, attr=attr):
                own = isinstance(value, ast.Name) and value.id in ("self", "cls")
                if _MODULE.match(dotted(node)) or (attr in names and not own):
                    found.append(ast.unparse(node))
            case ast.Call(func=ast.Name(id="getattr" | "hasattr" | "setattr"), args=[_, ast.Constant(value=text), *_]):
                found += [text] if text in names else []
            case ast.Constant(value=str(text)) if _MODULE.fullmatch(text):
                found.append(text)
    return found


def test_only_one_file_of_the_harness_uses_what_is_private_in_torch():
    uses = {module_of(path): private_uses(path.read_text()) for path in sources("equivariance")}
    assert uses.pop(HOME)
    assert not {name: found for name, found in uses.items() if found}


@pytest.mark.parametrize(
    "source",
    [
        "import torch._dynamo",
        "import torch.utils._pytree as pytree",
        "from torch.utils._pytree import tree_leaves",
        "from torch.utils import _pytree",
        "from torch import _C",
        "torch._C._functorch.is_functorch_wrapped_tensor(x)",
        "torch.autograd._get_sequence_nr()",
        "x._cdata",
        "x.untyped_storage()._cdata",
        "x._version",
        "x._base",
        "layer._modules['a']",
        "module._forward_hooks",
        "module._orig_mod",
        "node._sequence_nr()",
        "func._schema",
        "getattr(x, '_version')",
        "sys.modules.get('torch._dynamo')",
    ],
)
def test_every_way_to_use_it_is_seen(source):
    assert private_uses(source)


@pytest.mark.parametrize("source", ["self._modules", "torch.__version__", "x.__class__", "import torch.nn", "x._mine"])
def test_what_is_not_private_in_torch_is_left_alone(source):
    assert not private_uses(source)
