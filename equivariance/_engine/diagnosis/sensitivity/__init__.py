"""Claims that an output must change (`eq.Sensitive`): the measured response, and the statement that loses it.

`responses` runs the network under parts of elements and makes findings. `lost_information` finds the statement.

Called by `examine` after the laws of a symmetry were tested. The package tests no law.
"""
