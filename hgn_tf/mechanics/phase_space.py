"""A point of phase space: positions q and momenta p of equal shape."""

from typing import NamedTuple

import tensorflow as tf


class PhaseSpace(NamedTuple):
  """State s = (q, p) of a Hamiltonian system.

  Attributes:
    q: positions, [batch, ...].
    p: momenta, same shape as q.
  """

  q: tf.Tensor
  p: tf.Tensor

  @classmethod
  def split(cls, x, axis=-1):
    """Halves `x` along `axis`: the first half is q, the second p.

    Raises:
      ValueError: the axis has odd length.
    """
    width = x.shape[axis]
    if width is None or width % 2:
      raise ValueError(f"PhaseSpace.split: axis {axis} of x must have even length, got shape {tuple(x.shape)}.")
    return cls(*tf.split(x, 2, axis=axis))

  def merge(self, axis=-1):
    """Concatenates q and p along `axis`; the inverse of `split`."""
    return tf.concat([self.q, self.p], axis=axis)
