"""Settings of the TorchMD-Net models that `cases` and `cloned` build. Imports neither the library nor the harness."""

SETTINGS = {
    "embedding_dimension": 16, "num_layers": 2, "num_rbf": 8, "rbf_type": "expnorm", "trainable_rbf": False,
    "activation": "silu", "neighbor_embedding": True, "cutoff_lower": 0.0, "cutoff_upper": 5.0, "max_z": 10,
    "max_num_neighbors": 32, "output_model": "Scalar", "reduce_op": "add", "precision": 32, "prior_model": None,
    "equivariance_invariance_group": "O(3)", "num_heads": 2, "attn_activation": "silu", "distance_influence": "both",
    "aggr": "add", "static_shapes": False, "check_errors": False, "vector_cutoff": True, "atom_filter": -1,
}  # fmt: skip
