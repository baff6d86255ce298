"""A training run in a folder: the loop, checkpoints, callbacks, devices."""
