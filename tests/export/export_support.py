"""A tiny HGN and its export, small enough that every test can have its own."""

import keras
import numpy as np

from hgn_tf.models import HGN, HGNConfig

CONFIG = HGNConfig(
    num_frames=5, size=16, encoder=((4, 2, 2), (4, 2, 2), (8, 2, 2)), transform=((8, 3, 1), (8, 3, 1)),
    energy=((4, 2, 1), (1, 2, 1)), decoder_filters=4, frames_per_step=None)
STATE = (2, 2, 4)  # q and p of CONFIG


def tiny_model(seed=0):
  """An untrained HGN of CONFIG."""
  keras.utils.set_random_seed(seed)
  return HGN(CONFIG)


def frames(rows, seed=0, config=CONFIG):
  """Random frames float32 [rows, T + 1, H, W, C]."""
  return np.random.default_rng(seed).random((rows, *config.frame_shape), np.float32)


def times(dt, num_steps):
  """The inputs dt and num_steps."""
  return {"dt": np.asarray(dt, np.float32), "num_steps": np.asarray(num_steps, np.int32)}
