"""Shared by the trainings of all networks: settings, checkpoints, Lightning's trainer, files, devices, commands.

`settings` checks values and reads TOML; `checkpoint` writes and reads trained weights; `trainer` and `state_files`
configure Lightning; `files` writes whole files; `devices` and `memory` choose where a network
runs; `extras` imports optional packages; `cli` turns errors into exit codes.

Called by `faces`, `landmarks`, `se3unet` and the networks of `equivariance_zoo`. It imports third-party packages only,
and depends on no network and no data.
"""
