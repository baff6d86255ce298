"""What is wrong with a row of a request: answered per row, so that one bad row never fails its neighbours."""

import enum

import tensorflow as tf


class Status(enum.IntEnum):
  """Code in the output `status` of every signature; rows whose code is not OK have `valid` False and zeros elsewhere.

  DIVERGED alone leaves the frames before the overflow valid.
  """

  OK = 0
  NOT_FINITE = 1
  OUT_OF_RANGE = 2
  NEGATIVE_STEPS = 3
  TOO_MANY_STEPS = 4
  BAD_DT = 5
  DIVERGED = 6

  @property
  def meaning(self):
    """One line for operators."""
    return _MEANINGS[self]


_MEANINGS = {
    Status.OK: "the row is answered",
    Status.NOT_FINITE: "an input of the row holds NaN or infinity",
    Status.OUT_OF_RANGE: "an input of the row lies outside its range",
    Status.NEGATIVE_STEPS: "num_steps is negative",
    Status.TOO_MANY_STEPS: "num_steps is above max_steps of the metadata",
    Status.BAD_DT: "dt is NaN or infinite",
    Status.DIVERGED: "the answer overflowed; frames before that are valid",
}


def status_of(*checks):
  """Status int32 [N] of rows: the code of the first check that holds, else OK.

  Args:
    *checks: pairs (bool [N], Status).
  """
  status = tf.zeros_like(checks[0][0], tf.int32)
  for failed, code in reversed(checks):
    status = tf.where(failed, int(code), status)
  return status


def finite_rows(x):
  """Bool [N]: every number of the row of x [N, ...] is finite."""
  return tf.reduce_all(tf.math.is_finite(x), axis=list(range(1, x.shape.rank)))


def rows_within(x, low, high):
  """Bool [N]: every number of the row of x [N, ...] lies in [low, high]; NaN does not."""
  return tf.reduce_all((x >= low) & (x <= high), axis=list(range(1, x.shape.rank)))


def blank(x, keep):
  """x [N, ...] with zeros where keep, bool of the shape of x's leading dimensions, is False, whatever was there."""
  rows = tf.reshape(x, [-1, *x.shape[keep.shape.rank:]])
  # Whole rows are copied; tf.where would broadcast the condition to every number.
  rows = tf.compat.v1.where(tf.reshape(keep, [-1]), rows, tf.zeros_like(rows))
  return tf.reshape(rows, tf.shape(x))
