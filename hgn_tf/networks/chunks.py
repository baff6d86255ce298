"""Row-wise work on many rows in little memory."""

import tensorflow as tf


def in_chunks(function, x, size, *, equal=False):
  """function(x) of a row-wise function [M, ...] -> [M, ...], `size` rows at a time: memory does not grow with M.

  Args:
    function: one tensor to one tensor.
    x: [M, ...].
    size: rows of a chunk.
    equal: fill the last chunk up, for a function that is compiled for one size.
  """
  rows = tf.shape(x)[0]
  chunks = tf.maximum((rows + size - 1) // size, 1)
  if equal:
    x = tf.pad(x, [[0, chunks * size - rows], *[[0, 0]] * (x.shape.rank - 1)])
  first = function(x[:size])
  history = tf.TensorArray(first.dtype, chunks, element_shape=[None, *first.shape[1:]], infer_shape=False)

  def step(i, history):
    return i + 1, history.write(i, function(x[i * size:(i + 1) * size]))

  _, history = tf.while_loop(
      lambda i, _: i < chunks, step, (tf.constant(1), history.write(0, first)), parallel_iterations=1)
  return history.concat()[:rows]
