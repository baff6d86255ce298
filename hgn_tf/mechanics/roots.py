"""Roots of systems of equations, row by row."""

import numpy as np
import tensorflow as tf


def find_root(residual, correction, x, *, tolerance, floor, max_iterations):
  """x with residual(x) = 0, by x <- x + correction(x, residual(x)).

  A row stops where its residual is within the tolerance, so that its root does not depend on the rows beside it, or
  where it leaves the finite numbers. Nothing here is differentiated.

  Args:
    residual: [batch, n] -> [batch, n].
    correction: x and its residual to a step, each [batch, n]; for a fixed-point iteration the residual itself.
    x: where to begin, [batch, n].
    tolerance: of a row's largest residual over `floor` + its largest |x|.
    floor: see `tolerance`; 1 for states, next to nothing where the scale is unknown.
    max_iterations: evaluations of the residual, at most.

  Returns:
    (root [batch, n], the relative residual that was seen last [batch], never NaN).
  """
  infinity, shape = tf.constant(np.inf, x.dtype), x.shape  # which operations within a gradient forget

  def going(size):
    return (size > tolerance) & (size < infinity)

  def body(i, x, size):
    wrong = residual(x)
    found = _largest(wrong) / (floor + _largest(x))
    size = tf.where(going(size), tf.where(tf.math.is_nan(found), infinity, found), size)
    x = tf.where(going(size)[:, None], x + correction(x, wrong), x)
    return i + 1, tf.ensure_shape(x, shape), tf.ensure_shape(size, shape[:1])

  size = tf.fill(tf.shape(x)[:1], tf.constant(x.dtype.max, x.dtype))
  _, x, size = tf.while_loop(lambda i, x, size: (i < max_iterations) & tf.reduce_any(going(size)), body,
                             (tf.constant(0), x, tf.ensure_shape(size, shape[:1])), parallel_iterations=1)
  return tf.stop_gradient(x), tf.stop_gradient(size)


def jacobian(function, x):
  """Derivatives [batch, m, n] of `function`, [batch, n] -> [batch, m = n], whose rows depend on their own row alone."""
  size = x.shape[1]
  rows = tf.repeat(x, size, axis=0)  # one for each output
  with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch(rows)
    y = function(rows)
  chosen = tf.tile(tf.eye(size, dtype=x.dtype), [tf.shape(x)[0], 1])
  slopes = tape.gradient(y, rows, output_gradients=chosen, unconnected_gradients=tf.UnconnectedGradients.ZERO)
  return tf.reshape(slopes, [-1, size, size])


def _largest(x):
  return tf.reduce_max(tf.abs(x), axis=1)
