"""Rows of different lengths in one batch: work on their own steps only, end to end, and spread the answers again."""

import tensorflow as tf


def longest(num_steps):
  """The largest of num_steps int32 [N], 0 for none."""
  return tf.maximum(tf.reduce_max(num_steps), 0)


def own_steps(num_steps):
  """Bool [N, T + 1], T the longest: the step is one of the row's own 0..num_steps."""
  return tf.range(longest(num_steps) + 1) <= num_steps[:, None]


def pack(x, num_steps):
  """[N, T + 1, ...] to [M, ...]: the own steps of row 0, then those of row 1, ..."""
  return tf.boolean_mask(x, own_steps(num_steps))


def unpack(packed, num_steps):
  """The inverse of `pack`; the steps past a row's own repeat its last."""
  first = tf.cumsum(num_steps + 1, exclusive=True)
  steps = tf.minimum(tf.range(longest(num_steps) + 1), num_steps[:, None])
  return tf.gather(packed, first[:, None] + steps)
