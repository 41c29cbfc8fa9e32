"""Settings of a training of seconds."""

SMALL = """
[data]
kind = "tetris"
size = 10
copies = 1
rotations = 1
[network]
classes = 8
kernel_size = 3
stages = [{ irreps = "2x0e + 1x1e" }, { irreps = "4x0e", stride = 2 }]
[training]
epochs = 2
batch = 4
"""
