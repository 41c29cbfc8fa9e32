"""Point clouds and their graphs: the part of the network that does not depend on weights.

`graph` connects nearest neighbours, `sampling` picks points, `ties` breaks ties between them, `edges` and `frames` turn
edges to a common axis, `hierarchy` holds the graphs of all levels, `border` converts DGL graphs.

Called by `layers` and the model. No module of it has weights.
"""
