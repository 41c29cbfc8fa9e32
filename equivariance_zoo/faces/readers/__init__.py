"""Readers of files that others have made: meshes, landmarks, .npz archives, pickles.

Each refuses what it cannot read with one line that names the file. Nothing in a file is executed.
"""
