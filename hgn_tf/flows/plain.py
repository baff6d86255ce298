"""Distributions of TFP as plain data, for files that hold a model."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from hgn_tf.flows.distributions import SoftUniform

_OURS = {"SoftUniform": SoftUniform}


def to_plain(name, distribution):
  """A distribution as plain data: its class, and its parameters as numbers, arrays or distributions.

  Args:
    name: of the argument, for the message.
    distribution: of `tfp.distributions`, or a `SoftUniform`.

  Raises:
    ValueError: another class, or a parameter that is none of these: a variable, a bijector, a function.
  """
  kind = type(distribution).__name__
  if _class(kind) is not type(distribution):
    raise ValueError(f"{name} cannot be saved: {kind} is no class of tfp.distributions.")
  parameters = {key: _plain(f"{name}.{key}", value) for key, value in distribution.parameters.items()}
  return {"distribution": kind, "parameters": parameters}


def from_plain(plain):
  """The inverse of `to_plain`."""
  return _class(plain["distribution"])(**{key: _restored(value) for key, value in plain["parameters"].items()})


def _plain(name, value):
  if value is None or isinstance(value, (bool, int, float, str)):
    return value
  if isinstance(value, tf.DType):
    return {"dtype": value.name}
  if isinstance(value, tfp.distributions.Distribution):
    return to_plain(name, value)
  if isinstance(value, (list, tuple)):
    return [_plain(name, item) for item in value]
  if isinstance(value, (np.ndarray, np.generic)) or (tf.is_tensor(value) and not isinstance(value, tf.Variable)):
    value = np.asarray(value)
    return {"array": value.tolist(), "dtype": value.dtype.name}
  raise ValueError(f"{name} cannot be saved: it is a {type(value).__name__}; numbers, arrays, constant tensors and "
                   "distributions can.")


def _restored(value):
  if isinstance(value, dict) and "distribution" in value:
    return from_plain(value)
  if isinstance(value, dict):
    return tf.constant(value["array"], value["dtype"]) if "array" in value else tf.as_dtype(value["dtype"])
  return [_restored(item) for item in value] if isinstance(value, list) else value


def _class(name):
  found = _OURS.get(name) or getattr(tfp.distributions, name, None)
  return found if isinstance(found, type) and issubclass(found, tfp.distributions.Distribution) else None
