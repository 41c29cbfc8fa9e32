"""The command line `python -m equivariance.diagnose`: options, the run, and the output on the screen.

`main` parses the options and turns each error into one line and an exit code. `run` loads the subjects and diagnoses
them. `screen` prints, beside the progress bar of `_progress_bar`.

Called by `equivariance.__main__` and `equivariance.diagnose`; no other package imports this one. It measures nothing:
`api` does.
"""
