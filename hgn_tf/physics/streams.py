"""Random numbers that belong to one example each."""

import zlib

import numpy as np


class Streams:
  """One random stream per example, offering the draws of np.random.Generator that samplers use.

  Philox streams with key (seed, split; index) and a counter that starts at the stream's purpose never overlap.
  """

  def __init__(self, seed, split, indices, purpose):
    high = seed << 32 | zlib.crc32(split.encode())
    self._generators = [
        np.random.Generator(np.random.Philox(key=np.array([high, index], np.uint64),
                                             counter=np.array([0, 0, 0, purpose], np.uint64)))
        for index in indices.tolist()]

  def uniform(self, low, high, size):
    """[n, ...] draws, row i from stream i."""
    return np.stack([generator.uniform(low, high, size[1:]) for generator in self._generators])

  def standard_normal(self, size):
    """[n, ...] draws, row i from stream i."""
    return np.stack([generator.standard_normal(size[1:]) for generator in self._generators])
