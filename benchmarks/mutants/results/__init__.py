"""Scores what the harness says about mutants, and writes the page."""
