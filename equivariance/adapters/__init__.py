"""Adapters to optional libraries: everything that the harness knows of a library, one library in one module.

A module is imported when an object of its library is seen. `contracts.adapter_registry` finds it; `contracts` calls it.
Adapters import `groups`, `representations` and `contracts`, and no part of the engine.
"""
