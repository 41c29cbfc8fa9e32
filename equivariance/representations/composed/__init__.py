"""Representations made of others: up to a sign, with exchanged entries, masked, under factors of a product, sensitive.

Each wraps a representation of the package above and changes its action or its comparison.

Called by `contracts` and the engine through the base class. The package samples no elements and measures nothing.
"""
