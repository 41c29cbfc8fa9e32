"""The command line `python -m equivariance.diagnose`: options, the run, and what the screen shows.

`main` parses and turns errors into one line and an exit code; `run` loads the subject and diagnoses it; `screen`
and `progress_bar` print. No other package imports this one.
"""
