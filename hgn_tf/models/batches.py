"""The first batch of what Keras' `fit` takes."""

import math
import types

import keras
import tensorflow as tf


def is_array(x):
  """Whether `x` is an array, a tensor, or a list of numbers: what Keras itself cuts into batches."""
  return hasattr(x, "__array__") or tf.is_tensor(x) or isinstance(x, list)


def looked_at(x, look):
  """`x`, whose first batch `look` has seen.

  Args:
    x: a tf.data.Dataset, a keras.utils.PyDataset or a generator of batches; anything else passes by unseen.
    look: takes a batch and raises where it is wrong.

  Returns:
    What to give to Keras in place of `x`: a generator that still has its first batch.

  Raises:
    ValueError: there is no batch.
  """
  if isinstance(x, tf.data.Dataset):
    _look(next(iter(x), None), look)
  elif isinstance(x, keras.utils.PyDataset):
    _look(x[0], look)
  elif isinstance(x, types.GeneratorType):
    first = next(x, None)
    _look(first, look)
    return _with_first(first, x)
  return x


def _look(batch, look):
  if batch is None:
    raise ValueError("x must yield at least one batch, got none.")
  look(batch)


def _with_first(first, rest):
  """The generator again, as Keras takes it: of tuples."""
  yield _tuple(first)
  for batch in rest:
    yield _tuple(batch)


def _tuple(batch):
  return batch if isinstance(batch, tuple) else (batch,)


def split_off(x, weights, share):
  """(x, weights), (the last `share` of them), as Keras' `validation_split` has it."""
  rows = len(tf.nest.flatten(x)[0])
  count = math.floor(rows * (1.0 - share))
  if not 0 < count < rows:
    raise ValueError(f"validation_split must leave points for training and validation, got {share} of {rows}.")
  cut = lambda part: (tf.nest.map_structure(lambda values: values[part], x),  # noqa: E731
                      None if weights is None else weights[part])
  return cut(slice(count)), cut(slice(count, None))
