"""The report as one self-contained HTML page.

`page.to_html` makes the page; each other module renders one part from frozen findings. `Report.to_html`, the command
line and the pytest plugin call it. It computes no errors.
"""
