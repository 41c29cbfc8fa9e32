"""Fields and labels for training: Tetris shapes, meshes (SHREC17) and protein structures (CATH, amino acids).

`datasets` gives each split; `tetris`, `meshes` and `proteins` make fields of one source each, with `densities`.

Called by `training` and the command line. It reads `settings`, and depends on no network.
"""
