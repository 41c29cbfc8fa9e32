"""Finds the statement at fault inside a layer.

`suspects` chooses the layers at fault in the result of a survey. `recording` records the operations of a layer in the
reference run and in transformed runs, and `slicing` follows a value back to its operations. `intervention` replaces
values by their exactly transformed ones. If the error vanishes, `locate_statement` names the statement.

Called by `diagnosis.localizer` for every layer at fault, and by `inference`. Uses `laws` to predict values.
It does not explain why a statement is at fault (`causes`).
"""
