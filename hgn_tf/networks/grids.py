"""Where the pixels of an image are."""

import numpy as np


def pixel_grid(height, width):
  """(x, y) of the centres of the pixels, row by row, in [-1, 1]; float32 [height * width, 2]."""
  y, x = ((np.arange(n, dtype=np.float32) + 0.5) / n * 2 - 1 for n in (height, width))
  return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
