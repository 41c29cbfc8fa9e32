"""The formats of a report: text, JSON, HTML and SARIF.

`report.Report` is what the public functions return. `text` renders it for terminals, `json` for programs, `html` as one
page, `sarif` for code scanning. `files` writes files, and `regions` finds the source text of a location.

Called by `api`, `cli` and `pytest_plugin`. It reads `findings` and computes no errors. The words for each cause are in
`cause_catalogue`.
"""
