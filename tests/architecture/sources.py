"""The repository's sources, and the modules that a source imports."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("equivariance", "se3unet", "equivariance_zoo")


def sources(*folders):
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_of(path):
    """The dotted name of a source file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(source, module):
    """The dotted names that a module imports: anywhere in it, also by name through importlib.

    ``from a import b`` counts as ``a.b``, since b may be a module of a.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(origin), level=0, names=names):
                found |= {f"{origin}.{alias.name}" for alias in names}
            case ast.ImportFrom(level=level, module=origin, names=names):
                parent = ".".join([*module.split(".")[:-level], *([origin] if origin else [])])
                found |= {f"{parent}.{alias.name}" for alias in names}
            case ast.Call(
                func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                found.add(name)
    return found
