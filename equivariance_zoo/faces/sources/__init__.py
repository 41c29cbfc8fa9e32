"""Sources of faces: each module reads one, behind the protocol `faces.Source`.

The command `prepare` chooses the source, and `preparation` reads it. A source neither crops nor samples a face.
"""
