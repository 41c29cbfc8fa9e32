"""Point clouds and their graphs: all that the network knows of a cloud before its weights matter.

`graph` connects nearest neighbours, `sampling` picks points, `ties` breaks ties between them, `edges` and `frames` turn
edges to a common axis, `hierarchy` holds the graphs of all levels, `border` converts DGL graphs.

Called by `layers` and the model. Nothing here has weights.
"""
