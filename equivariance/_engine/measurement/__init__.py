"""Measures the equivariance error of every layer under sampled elements of one symmetry.

`prepare` binds the call and makes the runner. `survey` runs the passes, `comparisons` compares their values with the
exactly transformed reference, `relative_error` defines the error. `rounding_floors` and `grid_floors` measure the
error that rounding and grids explain, and `verdict` decides. `isolation` runs one layer call in isolation.

Called by `localization`, `causes`, `inference` and `diagnosis`. Uses `instrumentation` to run the model.
It does not search for statements (`localization`), and does not explain an error (`causes`).
"""
