"""Tries what should not matter: interrupts at random times, random command lines, and bad files.

`python -m benchmarks.robustness` counts the faults and writes docs/results/robustness.md. The tests run a few of each.
"""
