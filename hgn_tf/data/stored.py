"""Datasets on disk: finding one, reading its examples in their order whatever its file format, what made them."""

import numpy as np
import tensorflow as tf


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
      raise ValueError(f"Unknown dataset {dataset!r}; known: {', '.join(known)}, and your own in the data_dir."
                       ) from None
    built = False
  if not built:
    where = f" --data_dir={data_dir}" if data_dir else ""
    raise ValueError(f"Dataset {dataset!r} has not been built; run: tfds build {name} --imports=tfds_builders{where}"
                     + (" --config=..." if "/" in dataset else ""))
  return found


def count(found, split):
  """Examples of a split, or of what TFDS makes of splits: "train+test", "all", "train[:10%]".

  Raises:
    ValueError: there is no such split, or nothing in it.
  """
  try:
    number = found.info.splits[split].num_examples
  except (KeyError, ValueError, NotImplementedError) as error:
    known = ", ".join(sorted(found.info.splits))
    reason = str(error).strip("'\"").split("\n")[0]
    raise ValueError(f"Unknown split {split!r} of {found.info.full_name!r}; known: {known}; sums of them and slices as "
                     f"in train[:10%], and all. ({reason})") from None
  if not number:
    raise ValueError(f"Split {split!r} of {found.info.full_name!r} holds no examples.")
  return number


def examples(found, split, features=None, *, decoders=None):
  """The examples of a split in the order on disk, a tf.data.Dataset of dicts, from any file format that TFDS writes.

  Args:
    found: TFDS builder.
    split: TFDS split.
    features: names of the features to read; None: all.
    decoders: feature name -> tfds.decode.Decoder.

  Raises:
    ValueError: there is no such split, or nothing in it.
  """
  import tensorflow_datasets as tfds  # slow to import
  count(found, split)
  wanted = found.info.features if features is None else features
  partial = tfds.decode.PartialDecoding({name: True for name in wanted}, decoders=decoders)
  if found.info.file_format in tfds.core.FileFormat.with_tf_data():
    one_file_after_the_other = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    return found.as_dataset(split=split, shuffle_files=False, read_config=one_file_after_the_other, decoders=partial)
  chosen = partial.extract_features(found.info.features)
  source = found.as_data_source(split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES)
  return _records(source).map(lambda record: chosen.deserialize_example(record, decoders=decoders),
                              num_parallel_calls=tf.data.AUTOTUNE)


def _records(source):
  """The serialised examples of a random-access source, one after the other."""
  def read(number):
    return np.array(source[number], object)  # an array of NumPy's own bytes would lose zeros at the end

  return tf.data.Dataset.range(len(source)).map(
      lambda number: tf.ensure_shape(tf.numpy_function(read, [number], tf.string), []))


def spec(dataset, data_dir=None):
  """The physics.Spec behind a dataset on disk, or None where its frames were not simulated."""
  import tfds_builders  # slow: TFDS
  found = builder(dataset, data_dir)
  fields = (found.info.metadata or {}).get("config")
  if found.name not in tfds_builders.__all__ or not fields:
    return None  # one of the user's own
  configs = getattr(tfds_builders, found.name).Builder.BUILDER_CONFIGS
  return type(configs[0])(name="stored", **fields).spec() if hasattr(configs[0], "spec") else None
