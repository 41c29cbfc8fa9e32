"""Starts a training in a process of its own that is killed in the middle of an epoch.

python tests/se3unet/training/killed.py STEP train ARGUMENTS
"""

import os
import signal
import sys


def kill_at(step):
    """Have the process killed, as by kill -9, when the training takes this step."""
    from se3unet.training.module import Heatmaps

    whole = Heatmaps.training_step

    def training_step(self, batch, index):
        if self.global_step == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(self, batch, index)

    Heatmaps.training_step = training_step


if __name__ == "__main__":
    from se3unet.__main__ import main

    kill_at(int(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
