"""States of a training that hold objects of classes whose modules have moved since."""

import sys
import types

import torch


def write_old_state(path, module, name):
    """Writes a state with an object of the class `module.name`, which is not importable afterwards."""
    packages = [module.rsplit(".", depth)[0] for depth in range(module.count("."), -1, -1)]
    made = {package: types.ModuleType(package) for package in packages if package not in sys.modules}
    kind = type(name, (), {"__module__": module})
    home = made.get(module) or sys.modules[module]
    setattr(home, name, kind)
    sys.modules.update(made)
    try:
        torch.save({"epoch": 1, "hyper_parameters": kind()}, path)
    finally:
        delattr(home, name)
        for package in made:
            del sys.modules[package]
