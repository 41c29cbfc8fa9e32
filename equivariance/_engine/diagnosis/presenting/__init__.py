"""Requests whose arguments are not what the callable receives: windows of a canvas, renderings, masks, parameters.

`presented` replaces the arguments. `lifted_parameters` makes parameters arguments.

Called by `request` before anything is bound. The package measures nothing.
"""
