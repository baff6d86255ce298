"""The `frames` of any TFDS dataset, its own or one's own: what may be in them, and how a record becomes a film."""

import tensorflow as tf

from hgn_tf.data import stored

_DTYPES = (tf.uint8, tf.uint16, tf.float16, tf.bfloat16, tf.float32, tf.float64)


def records(found, split, others=()):
  """The films of a split in the order on disk, not decoded yet: `decoder` does that.

  Args:
    found: TFDS builder.
    split: TFDS split.
    others: names of features that come with them; records are then dicts.

  Raises:
    ValueError: there is no such split, or the dataset has no films, or not the others.
  """
  import tensorflow_datasets as tfds  # slow to import
  _check_feature(found)
  for name in others:
    if name not in found.info.features:
      raise ValueError(f"{found.info.full_name!r} has no feature `{name}`; it has: {', '.join(found.info.features)}.")
  examples = stored.examples(found, split, ["frames", *others], decoders={"frames": tfds.decode.SkipDecoding()})
  return examples if others else examples.map(lambda example: example["frames"])


def decoder(found, split, num_frames=None):
  """The function of one of `records` that gives the film, [T, H, W, C] with a known shape.

  Lengths and sizes that the dataset leaves open are those of the first film, and have to be those of every other.

  Args:
    found: TFDS builder.
    split: TFDS split.
    num_frames: the first frames of each film; default all.

  Raises:
    ValueError: the dataset has no films, shorter ones than `num_frames`, or float frames outside of [0, 1].
  """
  _check_feature(found)
  feature, name = found.info.features["frames"], found.info.full_name
  is_float = tf.as_dtype(feature.np_dtype).is_floating
  is_open = None in feature.shape
  first = feature.decode_example(next(iter(records(found, split).take(1)))) if is_open or is_float else None
  length, *frame = first.shape if is_open else feature.shape
  if num_frames is not None and num_frames > length:
    raise ValueError(f"num_frames must be at most the {length} frames of the films in {name!r}, got {num_frames}.")
  shape = [num_frames or length, *frame]

  if is_float:
    _check_range(first, name)

  def decode(record):
    film = feature.decode_example(record)[:num_frames]
    with tf.control_dependencies(_assertions(film, name, shape if is_open else None, is_float)):
      return tf.ensure_shape(film, shape)

  return decode


def _check_range(film, name):
  low, high = (float(bound(film)) for bound in (tf.reduce_min, tf.reduce_max))
  if not (low >= 0.0 and high <= 1.0):  # written so that NaN fails too
    raise ValueError(f"Float frames of {name!r} must be in [0, 1], got {low:g} to {high:g}.")


def _assertions(film, name, shape, is_float):
  """What holds of the first film has to hold of every other."""
  if shape:
    yield tf.debugging.assert_equal(
        tf.shape(film), shape, f"Films of {name!r} must all be as the first, [frames, height, width, channels] = "
                               f"{shape}; give num_frames where only their lengths differ.")
  if is_float:
    yield tf.debugging.Assert(tf.reduce_all((film >= 0) & (film <= 1)), [
        f"Float frames of {name!r} must be in [0, 1], got", tf.reduce_min(film), "to", tf.reduce_max(film)])


def _check_feature(found):
  features = found.info.features
  if "frames" not in features:
    raise ValueError(f"{found.info.full_name!r} has no feature `frames`, the films [frames, height, width, channels]; "
                     f"it has: {', '.join(features)}.")
  shape, dtype = features["frames"].shape, features["frames"].np_dtype
  if not isinstance(shape, tuple) or len(shape) != 4 or tf.as_dtype(dtype) not in _DTYPES:
    raise ValueError(f"`frames` of {found.info.full_name!r} must be [frames, height, width, channels], of "
                     f"{', '.join(kind.name for kind in _DTYPES)}; got {dtype} of shape {shape}.")

