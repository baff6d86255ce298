"""Energies of x that are told something besides."""

import tensorflow as tf


class Conditioned:
  """E(x | c): an energy that sees x and a context side by side, [rows, d] -> [rows].

  Args:
    energy: maps [rows, d + c] to [rows].
    context: [n, c]. Rows are a multiple of n, and as many of them follow each other for each context.
  """

  def __init__(self, energy, context):
    self.energy, self.context = energy, context

  def __call__(self, x):
    times = tf.shape(x)[0] // tf.shape(self.context)[0]
    return self.energy(tf.concat([x, tf.repeat(self.context, times, axis=0)], axis=-1))

  @property
  def variables(self):
    """Those of the energy."""
    return self.energy.variables
