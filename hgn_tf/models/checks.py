"""Checks of what comes from outside: a ValueError that says what was expected and what came.

A check looks at values only when eager, and leaves its argument alone: gradients flow through what it was given.
"""

import numpy as np
import tensorflow as tf

from hgn_tf.mechanics.integrators import integrator_of


def as_tensor(x, dtype):
  """`x` as a tensor of `dtype`, through which gradients flow; numbers that are no tensor keep all of their digits."""
  return tf.cast(x if tf.is_tensor(x) else np.asarray(x), dtype)


def check_frames(frames, frame_shape, dtype="float32"):
  """Returns `frames` as a tensor [batch, *frame_shape] of `dtype`; looks at the values only when eager.

  Args:
    frames: of float32 or `dtype`.
    frame_shape: (num_frames, size, size, channels), None where any number will do.
    dtype: of the model.

  Raises:
    ValueError: wrong rank, shape or dtype, values that are not finite or outside [0, 1].
  """
  expected = f"frames must be {dtype} of shape [batch, {', '.join(map(str, frame_shape))}] with values in [0, 1]"
  if not hasattr(frames, "dtype"):
    frames = np.asarray(frames)
  if frames.dtype not in (tf.float32, tf.as_dtype(dtype)):
    raise ValueError(f"{expected}, got dtype {tf.as_dtype(frames.dtype).name}.")
  if not tf.TensorShape(frames.shape).is_compatible_with([None, *frame_shape]):
    raise ValueError(f"{expected}, got shape {tuple(frames.shape)}.")
  frames = tf.cast(frames, dtype)
  if tf.executing_eagerly() and tf.size(frames):
    low, high = float(tf.reduce_min(frames)), float(tf.reduce_max(frames))
    if not (low >= 0.0 and high <= 1.0):  # also False for NaN
      raise ValueError(f"{expected}, got values from {low} to {high}.")
  return tf.ensure_shape(frames, [None, *frame_shape])


def check_controls(controls, shape, dtype="float32"):
  """Returns `controls` as a tensor [batch, *shape] of `dtype`.

  Args:
    controls: floats.
    shape: (num_steps, inputs), None where any number will do.
    dtype: of the model.

  Raises:
    ValueError: another rank or shape, or (when eager) values that are not finite.
  """
  controls = as_tensor(controls, dtype)
  if not controls.shape.is_compatible_with([None, *shape]):
    raise ValueError(f"controls must have shape [batch, {', '.join(map(str, shape))}], got {tuple(controls.shape)}.")
  if tf.executing_eagerly() and not bool(tf.reduce_all(tf.math.is_finite(controls))):
    raise ValueError("controls must be finite, got NaN or infinity.")
  return controls


def check_points(points, event_size, minimum=0, name="points"):
  """Returns `points` untouched.

  Raises:
    ValueError: another shape than [n, event_size], NaN or infinite values, or fewer than `minimum`.
  """
  values = points if _symbolic(points) else np.asarray(points)
  if len(values.shape) != 2 or values.shape[1] != event_size:
    raise ValueError(f"{name} must have shape [n, {event_size}], got {tuple(values.shape)}.")
  if isinstance(values, np.ndarray):
    bad = int((~np.isfinite(values)).any(axis=1).sum())
    if bad:
      raise ValueError(f"{name} must be finite, got {bad} rows with NaN or infinity.")
    if len(values) < minimum:
      raise ValueError(f"{name} must be at least {minimum}, got {len(values)}.")
  return points


def check_count(name, value):
  """Raises a ValueError where `value` is known, and no integer of at least 1."""
  known = tf.get_static_value(value)
  if known is not None and known != int(known):
    raise ValueError(f"{name} must be an integer, got {known}.")
  if known is not None and known < 1:
    raise ValueError(f"{name} must be at least 1, got {known}.")


def check_rollout(hamiltonian, num_steps, dt, method, options=(), known_options=()):
  """Raises a ValueError where a rollout cannot be; the same for every model and method.

  Args:
    hamiltonian: what is integrated, as `hgn_tf.integrate` takes it; None where the method takes anything.
    num_steps: an integer of at least 0.
    dt: finite numbers, a scalar or [batch].
    method: a name in INTEGRATORS; None for one that is not of them.
    options: names of what was given besides.
    known_options: of the method.
  """
  known = tf.get_static_value(num_steps)
  if known is not None and (np.ndim(known) or known != int(known) or known < 0):
    raise ValueError(f"num_steps must be an integer of at least 0, got {known}.")
  known = None if _symbolic(dt) else np.asarray(dt)
  if known is not None and (known.dtype.kind not in "fiu" or known.ndim > 1 or not np.isfinite(known).all()):
    raise ValueError(f"dt must be finite, a number or of shape [batch], got {dt}.")
  if method is not None:
    integrator_of(method, hamiltonian)
  unknown = sorted(set(options) - set(known_options))
  if unknown:
    raise ValueError(f"Unknown options of method={method or 'solve_ivp'!r}: {', '.join(unknown)}; "
                     f"known: {', '.join(known_options) or 'none'}.")


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
  """Returns the states `x` untouched; raises a ValueError where they are not finite [batch, 2d]."""
  values = x if _symbolic(x) else np.asarray(x)
  check_width(values.shape)
  _check_finite("x", values)
  return x


def check_pairs(x, dx):
  """Raises a ValueError where x and dx/dt, arrays, tensors or specs, are not pairs of finite [batch, 2d]."""
  if dx is None:
    raise ValueError("dx/dt is missing: fit takes pairs (x, dx/dt), each [batch, 2d].")
  x, dx = (y if _symbolic(y) else np.asarray(y) for y in (x, dx))
  check_width(x.shape)
  if tuple(dx.shape) != tuple(x.shape):
    raise ValueError(f"dx/dt must have the shape of x, {tuple(x.shape)}, got {tuple(dx.shape)}.")
  for name, value in (("x", x), ("dx/dt", dx)):
    _check_finite(name, value)


def _symbolic(x):
  """Whether the values of `x` cannot be seen: a tensor of a graph, or the spec of one."""
  return isinstance(x, tf.TypeSpec) or (tf.is_tensor(x) and not hasattr(x, "numpy")) or (
      tf.is_tensor(x) and not tf.executing_eagerly())


def _check_finite(name, value):
  if isinstance(value, np.ndarray):
    bad = ~np.isfinite(value).all(-1)
    if bad.any():
      raise ValueError(f"{name} must be finite, got NaN or infinity in {bad.sum()} of {len(bad)} rows.")
