"""Datasets on disk (TFDS) to batches of frames.

The order is a function of the seed given here and the step: a pipeline that starts at step s gives exactly what one
that started at 0 gives from its s-th batch on. What is skipped of an epoch is read but not decoded.
"""

import tensorflow as tf

SHUFFLE_BUFFER = 2048  # serialised examples; TFDS has already shuffled the whole split when it was written


def builder(dataset, data_dir=None):
  """The TFDS builder of a dataset on disk, such as "mass_spring" or "mass_spring/demo".

  Raises:
    ValueError: unknown dataset (lists the known ones), or one that was never built (gives the command that builds it).
  """
  import tensorflow_datasets as tfds  # slow to import

  import tfds_builders  # slow: TFDS
  name = dataset.split("/")[0].split(":")[0]
  known = sorted(tfds_builders.__all__)
  try:
    found = tfds.builder(dataset, data_dir=data_dir, try_gcs=False)
    built = bool(found.info.splits)
  except (tfds.core.DatasetNotFoundError, ValueError):  # a ValueError: a config that the code does not list
    if name not in known:
      raise ValueError(f"Unknown dataset {dataset!r}; known: {', '.join(known)}.") from None
    built = False
  if not built:
    where = f" --data_dir={data_dir}" if data_dir else ""
    raise ValueError(f"Dataset {dataset!r} has not been built; run: tfds build {name} --imports=tfds_builders{where}"
                     + (" --config=..." if "/" in dataset else ""))
  return found


def train_batches(dataset, *, batch_size, size, seed=0, start_step=0, num_frames=None, split="train", data_dir=None):
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

  Raises:
    ValueError: the dataset is unknown, not built, or smaller than a batch.
  """
  found = builder(dataset, data_dir)
  records, count = _records(found, split)
  per_epoch = count // batch_size
  if not per_epoch:
    raise ValueError(f"batch_size must be at most the {count} examples of {dataset!r} {split!r}, got {batch_size}.")

  def shuffled(epoch):  # a seed for each epoch: the order does not depend on how often the dataset is iterated
    tf.compat.v1.set_random_seed(1)  # of this function's graph: beside a global seed of 0 `shuffle` takes no tensor
    order = records.shuffle(SHUFFLE_BUFFER, seed=(seed << 24) + epoch, reshuffle_each_iteration=False)
    return order.take(per_epoch * batch_size)

  first_epoch, first_step = divmod(start_step, per_epoch)
  examples = tf.data.Dataset.counter(first_epoch).flat_map(shuffled).skip(first_step * batch_size)
  return _batches(examples, found, batch_size, size, num_frames, drop_remainder=True)


def eval_batches(dataset, *, batch_size, size, split="test", num_frames=None, data_dir=None):
  """One pass over a split in the order on disk; batches as in `train_batches`, the last may be smaller."""
  found = builder(dataset, data_dir)
  records, _ = _records(found, split)
  return _batches(records, found, batch_size, size, num_frames, drop_remainder=False)


def load_states(dataset, *, split="test", data_dir=None, take=None):
  """Everything but the frames of a split, in the order of `eval_batches`: a dict of stacked NumPy arrays.

  q, p, noisy_q, noisy_p, energy, dt and the constants.
  """
  import tensorflow_datasets as tfds
  found = builder(dataset, data_dir)
  decoders = tfds.decode.PartialDecoding({key: True for key in found.info.features if key != "frames"})
  examples = found.as_dataset(split=split, decoders=decoders, shuffle_files=False, read_config=_order_on_disk())
  return next(iter(tfds.as_numpy(examples.take(take or -1).batch(found.info.splits[split].num_examples))))


def spec(dataset, data_dir=None):
  """The physics.Spec behind a dataset on disk, or None where its frames were not simulated."""
  import tfds_builders  # slow: TFDS
  found = builder(dataset, data_dir)
  code = getattr(tfds_builders, found.name).Builder
  fields = (found.info.metadata or {}).get("config")
  config_class = type(code.BUILDER_CONFIGS[0]) if code.BUILDER_CONFIGS else None
  return config_class(name="stored", **fields).spec() if fields and hasattr(config_class, "spec") else None


def _records(found, split):
  """(undecoded examples in the order on disk, their number)."""
  import tensorflow_datasets as tfds
  if split not in found.info.splits and "[" not in split:
    known = ", ".join(sorted(found.info.splits))
    raise ValueError(f"Unknown split {split!r} of {found.info.full_name!r}; known: {known}.")
  records = found.as_dataset(split=split, shuffle_files=False, read_config=_order_on_disk(),
                             decoders={"frames": tfds.decode.SkipDecoding()})
  return records.map(lambda example: example["frames"]), found.info.splits[split].num_examples


def _order_on_disk():
  """A ReadConfig without TFDS' default interleaving, 16 examples of each file in turn."""
  import tensorflow_datasets as tfds
  return tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)


def _batches(records, found, batch_size, size, num_frames, drop_remainder):
  feature = found.info.features["frames"]
  decoded = records.map(lambda r: feature.decode_example(r)[:num_frames], num_parallel_calls=tf.data.AUTOTUNE)
  batches = decoded.batch(batch_size, drop_remainder=drop_remainder)
  options = tf.data.Options()  # several machines: each reads all and takes its part of every batch
  options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
  return batches.map(lambda frames: to_frames(frames, size), num_parallel_calls=2).prefetch(4).with_options(options)


def to_frames(stored, size):
  """uint8 [batch, T, S, S, C] to float32 [batch, T, size, size, C] in [0, 1], by averaging blocks of pixels.

  Raises:
    ValueError: size does not divide the stored size.
  """
  time, height, width, channels = stored.shape[1:]
  if height % size or width % size:
    raise ValueError(f"size must divide the stored frames' {height}x{width}, got {size}.")
  frames = tf.cast(stored, tf.float32) / 255.0
  if height == size and width == size:
    return frames
  blocks = tf.reshape(frames, [-1, time, size, height // size, size, width // size, channels])
  return tf.reduce_mean(blocks, axis=(3, 5))
