"""Shared by the trainings of all networks: settings, checkpoints, Lightning's trainer, files, devices, commands.

`settings` checks values and reads TOML; `fields` declares bounds on the fields of a dataclass, of which `options` makes
options of the command line; `checkpoint` and `trained` write and read trained networks; `trainer` and `state_files`
configure Lightning; `seeds` draws weights; `files` writes whole files; `devices` and `memory` choose device and memory
use; `extras` imports optional packages; `cli` turns errors into exit codes.

Called by `faces`, `landmarks`, `se3unet` and the networks of `equivariance_zoo`. It imports third-party packages only,
and depends on no network and no data.
"""
