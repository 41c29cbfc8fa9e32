"""Scenes: cameras, meshes, and a z-buffer renderer whose labels are the numbers that the picture was made of.

`cameras` has the perspective and the weak perspective camera; `render` renders buffers (depth, triangle, barycentric
coordinates, any attribute), shaded pictures and visible vertices; `kernels` has its compiled loops. `lighting` and
`photograph` make light, backgrounds, occluders, blur, noise and JPEG; `meshes` makes the objects.

Networks that see pictures call it. It knows no network. It needs Numba and Pillow:
`pip install "equivariance[scenes]"`.
"""
