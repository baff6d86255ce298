"""A version of a model as TensorFlow Serving's operators expect it: SavedModel, warm-up, batching."""

import os
import pathlib

from export import common, warmup
from hgn_tf.training import files

BATCH_SIZES = (1, 2, 4, 8, 16)
BATCHING = "batching_params.pbtxt"


def publish(servable, base, *, version=None, batch_sizes=BATCH_SIZES):
  """Writes `servable` to `<base>/<version>/`, whole or not at all; returns that directory.

  Args:
    servable: common.Servable.
    base: directory of one model, whose name is the model's name.
    version: positive int; default the next free one.
    batch_sizes: that the server pads merged requests to, ascending; the last is the most rows of a request.

  Raises:
    ValueError: a version that exists, or batch sizes that are not ascending positive integers.
  """
  if not batch_sizes or list(batch_sizes) != sorted({int(size) for size in batch_sizes}) or batch_sizes[0] < 1:
    raise ValueError(f"batch_sizes must be ascending positive integers, got {list(batch_sizes)}.")
  base = pathlib.Path(base).absolute()
  with common.new_version(base, version) as (partial, path):
    common.save(servable, partial, batch_sizes=list(batch_sizes))
    warmup.write_warmup(partial, base.name, servable.signatures, batch_sizes)
    files.write_bytes(partial / BATCHING, batching_parameters(batch_sizes).encode())
  return path


def batching_parameters(batch_sizes):
  """The text of a BatchingParameters message (server flag --enable_per_model_batching_parameters)."""
  threads = max(1, (os.cpu_count() or 1) // 2)
  lines = [f"max_batch_size {{ value: {batch_sizes[-1]} }}", "batch_timeout_micros { value: 2000 }",
           "max_enqueued_batches { value: 64 }", f"num_batch_threads {{ value: {threads} }}",
           *(f"allowed_batch_sizes: {size}" for size in batch_sizes)]
  return "\n".join(lines) + "\n"
