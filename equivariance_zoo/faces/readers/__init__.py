"""Reads files of other programs: meshes, landmarks, .npz archives, pickles.

Called by `sources`, `models` and `FaceSet.load`. If a file cannot be read, the error is one line that names it.
No code in a file is executed.
"""
