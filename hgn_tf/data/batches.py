"""Datasets on disk (TFDS) to batches of frames.

The order is a function of the seed given here and the step: a pipeline that starts at step s gives exactly what one
that started at 0 gives from its s-th batch on, whatever the file format. What is skipped of an epoch is read but not
decoded.
"""

import tensorflow as tf

from hgn_tf.data import films, stored

SHUFFLE_BUFFER = 2048  # serialised examples; TFDS has already shuffled the whole split when it was written


def train_batches(dataset, *, batch_size, size, seed=0, start_step=0, num_frames=None, split="train", data_dir=None,
                  controls=False):
  """Endless shuffled batches, float32 [batch, T + 1, size, size, C] in [0, 1], from batch `start_step` on.

  Args:
    dataset: TFDS name.
    batch_size: sequences of a batch.
    size: height and width of the frames; stored ones are averaged down to it.
    seed: of the order.
    start_step: number of batches to leave out.
    num_frames: the first frames of each sequence; default all.
    split: TFDS split.
    data_dir: where TFDS keeps its datasets.
    controls: batches are dicts of `frames` and `controls`, float32 [batch, T, inputs].

  Raises:
    ValueError: the dataset is unknown, not built, without films (see `films.decoder`) or the controls that are asked
      for, or smaller than a batch.
  """
  found = stored.builder(dataset, data_dir)
  records, decode = _records(found, split, num_frames, controls)
  count = stored.count(found, split)
  per_epoch = count // batch_size
  if not per_epoch:
    raise ValueError(f"batch_size must be at most the {count} examples of {dataset!r} {split!r}, got {batch_size}.")

  def shuffled(epoch):  # a seed for each epoch: the order does not depend on how often the dataset is iterated
    tf.compat.v1.set_random_seed(1)  # of this function's graph: beside a global seed of 0 `shuffle` takes no tensor
    order = records.shuffle(SHUFFLE_BUFFER, seed=(seed << 24) + epoch, reshuffle_each_iteration=False)
    return order.take(per_epoch * batch_size)

  first_epoch, first_step = divmod(start_step, per_epoch)
  examples = tf.data.Dataset.counter(first_epoch).flat_map(shuffled).skip(first_step * batch_size)
  return _batches(examples, decode, batch_size, size, drop_remainder=True)


def eval_batches(dataset, *, batch_size, size, split="test", num_frames=None, data_dir=None, controls=False):
  """One pass over a split in the order on disk; batches as in `train_batches`, the last may be smaller."""
  records, decode = _records(stored.builder(dataset, data_dir), split, num_frames, controls)
  return _batches(records, decode, batch_size, size, drop_remainder=False)


def load_states(dataset, *, split="test", data_dir=None, take=None):
  """Everything but the frames of a split, in the order of `eval_batches`: a dict of stacked NumPy arrays.

  q, p, noisy_q, noisy_p, energy, dt and the constants.
  """
  found = stored.builder(dataset, data_dir)
  examples = stored.examples(found, split, [name for name in found.info.features if name != "frames"])
  return next(iter(examples.take(take or -1).batch(stored.count(found, split)).as_numpy_iterator()))


def _records(found, split, num_frames, controls):
  """(records, function of one): films or, with controls, dicts of both."""
  decode = films.decoder(found, split, num_frames)
  if not controls:
    return films.records(found, split), decode

  def both(record):
    film = decode(record["frames"])
    return {"frames": film, "controls": tf.cast(record["controls"][:film.shape[0] - 1], tf.float32)}

  return films.records(found, split, ["controls"]), both


def _batches(records, decode, batch_size, size, drop_remainder):
  decoded = records.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
  with_controls = isinstance(decoded.element_spec, dict)
  _check_size((decoded.element_spec["frames"] if with_controls else decoded.element_spec).shape, size)

  def averaged(batch):
    return {**batch, "frames": to_frames(batch["frames"], size)} if with_controls else to_frames(batch, size)
  batches = decoded.batch(batch_size, drop_remainder=drop_remainder)
  options = tf.data.Options()  # several machines: each reads all and takes its part of every batch
  options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
  return batches.map(averaged, num_parallel_calls=2).prefetch(4).with_options(options)


def to_frames(stored, size):
  """Stored films [batch, T, S, S, C] to float32 [batch, T, size, size, C] in [0, 1], by averaging blocks of pixels.

  Args:
    stored: integers from 0 to the largest of their type, such as uint8, or floats in [0, 1].
    size: height and width to get.

  Raises:
    ValueError: size does not divide the stored size.
  """
  _check_size(stored.shape[1:], size)
  time, height, width, channels = stored.shape[1:]
  frames, kind = tf.cast(stored, tf.float32), tf.as_dtype(stored.dtype)
  if (height, width) != (size, size):
    block = height // size, width // size
    pooled = tf.nn.avg_pool2d(tf.reshape(frames, [-1, height, width, channels]), block, block, "VALID")
    frames = tf.reshape(pooled, [-1, time, size, size, channels])
  return frames / kind.max if kind.is_integer else frames


def _check_size(film, size):
  """Raises ValueError unless `size` divides height and width of the shape [T, H, W, C]."""
  _, height, width, _ = film
  if height % size or width % size:
    raise ValueError(f"size must divide the stored frames' {height}x{width}, got {size}.")
