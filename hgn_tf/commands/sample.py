"""hgn-sample: draws sequences from the prior of a trained HGN, as a GIF or as an npz of frames.

Example:
  hgn-sample --workdir=/tmp/run --num=8 --out=samples.gif
"""

import pathlib

from absl import flags

from hgn_tf.commands import cli
from hgn_tf.evaluation.plots import rollouts

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a run of hgn-train.")
_PRETRAINED = flags.DEFINE_string("pretrained", None, "Or the name of a trained model that comes with hgn_tf.")
_NUM = flags.DEFINE_integer("num", 8, "Sequences to draw.", lower_bound=1)
_NUM_STEPS = flags.DEFINE_integer("num_steps", None, "Frames after the first (default: as in training).", lower_bound=0)
_DT = flags.DEFINE_float("dt", None, "Time between frames (default: as in training); negative runs backward.")
_SEED = flags.DEFINE_integer("seed", 0, "Of the draws.")
_OUT = flags.DEFINE_string("out", "samples.gif", "File to write, .gif (needs the extra plot) or .npz.")


def main(argv):
  del argv
  if bool(_WORKDIR.value) == bool(_PRETRAINED.value):
    raise ValueError("give one of --workdir and --pretrained.")
  suffix = pathlib.Path(_OUT.value).suffix
  if suffix not in _WRITERS:
    raise ValueError(f"--out must end with {' or '.join(_WRITERS)}, got {_OUT.value!r}.")
  from hgn_tf.models import HGN  # slow: TensorFlow
  model = _model()
  if not isinstance(model, HGN):
    raise ValueError(f"hgn-sample draws films from an HGN, got {type(model).__name__}"
                     + (f"; {type(model).__name__}.sample draws from it." if hasattr(model, "sample") else "."))
  samples = model.sample(_NUM.value, _NUM_STEPS.value, _DT.value, seed=_SEED.value).numpy()
  _WRITERS[suffix](_OUT.value, samples)
  print(f"Wrote {pathlib.Path(_OUT.value).resolve()}")


def _write_gif(path, samples):
  rows = -(-len(samples) // 4)
  rollouts.animation(path, [(f"sample {i + 1}", samples[i:i + rows]) for i in range(0, len(samples), rows)])


def _write_npz(path, samples):
  import numpy as np
  np.savez_compressed(path, frames=samples)


_WRITERS = {".gif": _write_gif, ".npz": _write_npz}


def _model():
  from hgn_tf import load_pretrained  # slow: TensorFlow
  from hgn_tf.training.workdir import Workdir
  if _WORKDIR.value:
    return Workdir(_WORKDIR.value).load_model()
  return load_pretrained(_PRETRAINED.value)


def run():
  """Console script."""
  cli.run(main)


if __name__ == "__main__":
  run()
