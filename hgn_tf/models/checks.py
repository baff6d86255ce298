"""Checks of what comes from outside: a ValueError that says what was expected and what came."""

import numpy as np
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


def check_points(points, event_size, minimum=0):
  """Points as a float32 array or tensor [n, event_size]; looks at the values only when eager.

  Raises:
    ValueError: wrong shape, NaN or infinite values, or fewer than `minimum`.
  """
  if tf.is_tensor(points) and not tf.executing_eagerly():
    points = tf.cast(points, tf.float32)
  else:
    points = np.asarray(points, np.float32)
  if len(points.shape) != 2 or points.shape[1] != event_size:
    raise ValueError(f"points must have shape [n, {event_size}], got {tuple(points.shape)}.")
  if isinstance(points, np.ndarray):
    bad = int((~np.isfinite(points)).any(axis=1).sum())
    if bad:
      raise ValueError(f"points must be finite, got {bad} rows with NaN or infinity.")
    if len(points) < minimum:
      raise ValueError(f"points must be at least {minimum}, got {len(points)}.")
  return points


def check_count(name, value):
  """Raises a ValueError where `value` is known and below 1."""
  known = tf.get_static_value(value)
  if known is not None and known < 1:
    raise ValueError(f"{name} must be at least 1, got {known}.")


def check_width(shape):
  """The width of states [batch, 2d].

  Raises:
    ValueError: another rank, or an odd or unknown width.
  """
  if len(shape) != 2 or not shape[-1] or shape[-1] % 2:
    raise ValueError(f"x must have shape [batch, 2d], positions before momenta, got {tuple(shape)}.")
  return shape[-1]


def check_bodies(coordinates, body_dimension):
  """Raises a ValueError where `coordinates` are not those of two or more bodies."""
  if coordinates % body_dimension or coordinates == body_dimension:
    raise ValueError(f"q must hold two or more bodies of body_dimension={body_dimension}, got {coordinates} "
                     "coordinates.")


def check_states(x):
  """`x` as a float32 tensor [batch, 2d]; looks at the values only when eager."""
  x = tf.cast(x, tf.float32)
  check_width(x.shape)
  if tf.executing_eagerly():
    _check_finite("x", x.numpy())
  return x


def check_pairs(x, dx):
  """Raises a ValueError where x and dx/dt, arrays or specs, are not pairs of finite [batch, 2d]."""
  check_width(x.shape)
  if tuple(dx.shape) != tuple(x.shape):
    raise ValueError(f"dx/dt must have the shape of x, {tuple(x.shape)}, got {tuple(dx.shape)}.")
  for name, value in (("x", x), ("dx/dt", dx)):
    if isinstance(value, np.ndarray):
      _check_finite(name, value)


def _check_finite(name, value):
  bad = ~np.isfinite(value).all(-1)
  if bad.any():
    raise ValueError(f"{name} must be finite, got NaN or infinity in {bad.sum()} of {len(bad)} rows.")
