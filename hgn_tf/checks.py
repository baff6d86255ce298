"""Checks of what comes from outside: a ValueError that says what was expected and what came."""

import tensorflow as tf


def check_frames(frames, frame_shape):
  """Returns `frames` as a tensor [batch, *frame_shape]; looks at the values only when eager.

  Raises:
    ValueError: wrong rank, shape or dtype, values that are not finite or outside [0, 1].
  """
  expected = f"frames must be float32 of shape [batch, {', '.join(map(str, frame_shape))}] with values in [0, 1]"
  frames = tf.convert_to_tensor(frames)
  if frames.dtype != tf.float32:
    raise ValueError(f"{expected}, got dtype {frames.dtype.name}.")
  if not frames.shape.is_compatible_with([None, *frame_shape]):
    raise ValueError(f"{expected}, got shape {tuple(frames.shape)}.")
  if tf.executing_eagerly() and tf.size(frames):
    low, high = float(tf.reduce_min(frames)), float(tf.reduce_max(frames))
    if not (low >= 0.0 and high <= 1.0):  # also False for NaN
      raise ValueError(f"{expected}, got values from {low} to {high}.")
  return tf.ensure_shape(frames, [None, *frame_shape])
