"""Runs the module under test: copies in every state and precision, hooks on layers, recorded operations.

`testbed` makes the copies and runs them, `hooks` watches layer calls, `reference` records the values between layers.
`tape` records single operations. Only this package touches the module, autograd or PyTorch's dispatcher. The caller's
module is never changed.

Called by `measurement`, `localization`, `causes`, `inference` and `diagnosis`.
It measures no error and gives no verdict (`measurement`).
"""
