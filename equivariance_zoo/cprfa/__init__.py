"""3-D face alignment from a densely annotated picture, by convolutional point-set representations (CPRFA).

Wu, Le, Xu and Kakadiaris (2018). The package has the parts that need no training: the morphable model, the
projection, the metrics, the kernels as published and corrected, the closed-form alignment
from the corrected ones, and classical fits to compare with.

All 2-D points are in a right-handed frame: x to the right, y upwards, in pixels from the centre of the picture.
`model3d.points_of_pixels` converts pixel coordinates.
"""
