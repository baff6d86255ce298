"""Which file of a dataset is corrupted: TensorFlow's own error has the place in it and not its name."""

import contextlib

import tensorflow as tf

from hgn_tf.data import stored


@contextlib.contextmanager
def named(dataset, data_dir=None):
  """Turns the error of a corrupted record, read inside of the block, into one that names the file.

  TFRecord and array_record files hold checksums of their records; parquet files, as TFDS writes them, have none.

  Args:
    dataset: TFDS name.
    data_dir: where TFDS keeps its datasets.

  Raises:
    ValueError: a file of the dataset is corrupted.
  """
  try:
    yield
  except (tf.errors.DataLossError, tf.errors.UnknownError) as error:
    path, wrong = first(stored.builder(dataset, data_dir))
    if path is None:
      raise
    raise ValueError(f"{path} is corrupted ({wrong}); delete the dataset and build it again, or restore the file."
                     ) from error


def first(found):
  """(path, what is wrong) of the first corrupted file of a dataset, or (None, None); reads all of it.

  Args:
    found: TFDS builder.
  """
  print(f"Looking for the corrupted file in {found.data_path} ...", flush=True)
  read = {"tfrecord": _read_tfrecord, "array_record": _read_array_record}.get(found.info.file_format.value)
  for split in found.info.splits.values():
    for path in split.filepaths if read else ():
      try:
        read(str(path))
      except (tf.errors.DataLossError, RuntimeError, ValueError) as error:
        return path, reason(error)
  return None, None


def _read_tfrecord(path):
  for _ in tf.data.TFRecordDataset(path, buffer_size=1 << 20):
    pass


def _read_array_record(path):
  from array_record.python import array_record_module  # slow: and needed by few
  reader = array_record_module.ArrayRecordReader(path)
  for i in range(reader.num_records()):
    reader.read([i])


def reason(error):
  """What an error of TensorFlow says, without the names of its operations."""
  return str(error).split("}} ")[-1].split(" [Op:")[0].splitlines()[0].strip()
