"""How examples become records: precompressed tensors, exact floats, a canonical byte order, bounded memory."""

import contextlib

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core import shuffle
from tensorflow_datasets.proto import tf_example_pb2

_SHUFFLE_BYTES = 64 << 20


class PrecompressedTensor(tfds.features.Tensor):
  """A zlib-encoded Tensor that also takes bytes which a worker has compressed; on disk it is a plain Tensor."""

  def __init__(self, *, shape, dtype):
    super().__init__(shape=shape, dtype=dtype, encoding=tfds.features.Encoding.ZLIB)

  def encode_example(self, example_data):
    return example_data if isinstance(example_data, bytes) else super().encode_example(example_data)

  @property
  def _fully_qualified_class_name(self):
    return f"{tfds.features.Tensor.__module__}.{tfds.features.Tensor.__name__}"


def float64(*shape):
  """A float64 feature that keeps all its bits: tf.train.Example's own floats have 32."""
  return tfds.features.Tensor(shape=shape, dtype=np.float64, encoding=tfds.features.Encoding.BYTES)


class CanonicalWriter(tfds.core.writer.ExampleWriter):
  """Writes records with their features in sorted order; protobuf's own order differs from process to process."""

  def write(self, path, examples):
    records = ((key, _canonical(record)) for key, record in examples)
    if self.file_format == tfds.core.FileFormat.PARQUET:
      records = list(records)  # TFDS 4.9.10 slices them from the beginning again and again: an iterator would lose some
    return super().write(path, records)


def _canonical(record):
  return tf_example_pb2.Example.FromString(record).SerializeToString(deterministic=True)


@contextlib.contextmanager
def bounded_shuffle_buffer():
  """Lets TFDS's shuffler hold 64 MiB of records in memory before it goes on disk, instead of 1 GB."""
  before, shuffle.MAX_MEM_BUFFER_SIZE = shuffle.MAX_MEM_BUFFER_SIZE, _SHUFFLE_BYTES
  try:
    yield
  finally:
    shuffle.MAX_MEM_BUFFER_SIZE = before
