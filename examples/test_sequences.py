"""Writes the first test sequences of a dataset as bytes to an npz, for clients that have no TFDS.

  python examples/test_sequences.py --dataset=mass_spring --out=sequences.npz
"""

import numpy as np
from absl import flags

from hgn_tf.commands import cli

_DATASET = flags.DEFINE_string("dataset", "mass_spring", "TFDS dataset.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where TFDS keeps its datasets.")
_NUM = flags.DEFINE_integer("num", 8, "Number of sequences.", lower_bound=1)
_SIZE = flags.DEFINE_integer("size", 32, "Height and width.", lower_bound=8)
_OUT = flags.DEFINE_string("out", "sequences.npz", "File to write.")


def main(argv):
  del argv
  from hgn_tf import data
  batches = data.eval_batches(_DATASET.value, batch_size=_NUM.value, size=_SIZE.value, data_dir=_DATA_DIR.value)
  frames = next(iter(batches)).numpy()
  np.savez_compressed(_OUT.value, frames=np.round(255.0 * frames).astype(np.uint8))
  print(f"Wrote {len(frames)} sequences: {_OUT.value}")


if __name__ == "__main__":
  cli.run(main)
