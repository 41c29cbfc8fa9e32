"""Equivariant layers of features on the nodes and edges of a graph.

`fibers` defines the features, `kernel` the linear maps on edges, `attention` passes messages, `interaction` and `norms`
act on single nodes, `block` combines them, `pool` and `upsample` change the level, `head` begins and ends the
network. `dense` has the published form of the kernels.

Called by `model` and `published`. It imports `geometry`, and reads no settings of a network.
"""
