"""The loop over time."""

import tensorflow as tf


def scan(step, initial, num_steps, record=None):
  """x_{i+1} = step(x_i), `num_steps` times, as one `tf.while_loop`.

  Args:
    step: maps a nested structure of tensors to one of the same shapes.
    initial: x_0.
    num_steps: int or int32 scalar tensor, at least 0.
    record: maps x to the tensors to keep of every time; None keeps nothing.

  Returns:
    (last x, what `record` gave at every time, each [num_steps + 1, ...], or None).
  """
  record = record or (lambda x: ())
  history = tf.nest.map_structure(
      lambda x: tf.TensorArray(x.dtype, num_steps + 1, element_shape=x.shape), record(initial))

  def body(i, x, history):
    x = step(x)
    return i + 1, x, _write(history, i + 1, record(x))

  _, last, history = tf.while_loop(
      lambda i, *_: i < num_steps, body, (tf.constant(0), initial, _write(history, 0, record(initial))),
      maximum_iterations=num_steps, parallel_iterations=1)
  return last, tf.nest.map_structure(lambda array: _stack(array, num_steps), history) or None


def _write(history, i, values):
  return tf.nest.map_structure(lambda array, x: array.write(i, x), history, values)


def _stack(array, num_steps):
  """[num_steps + 1, ...], of a static length where num_steps is an int."""
  stacked = array.stack()
  length = None if tf.is_tensor(num_steps) else num_steps + 1
  return tf.ensure_shape(stacked, [length, *stacked.shape[1:]])
