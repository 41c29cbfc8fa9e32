"""The SE(3)-Unet against its floor, its predecessors and its own sizes."""
