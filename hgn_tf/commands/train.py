"""hgn-train: trains a preset on a dataset; the same command goes on after an interruption.

Examples:
  hgn-train --preset=hgn --dataset=mass_spring --workdir=/tmp/run --steps=2000
  hgn-train --preset=hgn_compact --dataset=two_body --find_pairs --workdir=/tmp/law
  hgn-train --preset=hgn --dataset=mass_spring --workdir=/tmp/run --steps=2000 --restarts=5
"""

import dataclasses
import pathlib
import sys

from absl import flags

from hgn_tf.commands import cli
from hgn_tf.training.supervisor import supervise

_PRESET = flags.DEFINE_string("preset", "hgn", "Name in hgn_tf.presets.")
_DATASET = flags.DEFINE_string("dataset", "mass_spring", "TFDS dataset, such as mass_spring or mass_spring/demo.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where TFDS keeps its datasets (default: its own).")
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run: checkpoints, history, configuration.")
_STEPS = flags.DEFINE_integer("steps", None, "Optimiser steps (default: the preset's).", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", None, "Of weights, order and noise (default: the preset's).")
_SET = flags.DEFINE_string("set", None, """Other fields of the preset as JSON, such as '{"kappa": 1e-4}'.""")
_FIND_PAIRS = flags.DEFINE_bool("find_pairs", False, """As many pairs (q, p) as the frames of the dataset have
dimensions, of a preset that has pairs; takes the extra "check".""")
_INIT = flags.DEFINE_string("init", None, """Trained model to begin from where shapes fit: one that comes with
hgn_tf, such as hgn_compact_pendulum, or the folder of a run; a run that goes on has its own weights.""")
_SAVE_EVERY = flags.DEFINE_integer("save_every", 100, "Steps between checkpoints.", lower_bound=1)
_DEVICES = flags.DEFINE_string("devices", "one", """What trains: "one" device; "mirrored": all GPUs of this machine;
"multi_worker": the machines of TF_CONFIG, which share WORKDIR. The batch is spread over them.""")
_RESTARTS = flags.DEFINE_integer("restarts", 0, """How often a run that dies is started again, from its last checkpoint;
with --devices=multi_worker on every machine, for where one worker dies the others stop.""", lower_bound=0)
_TENSORBOARD = flags.DEFINE_bool("tensorboard", False, "Also write curves and pictures to WORKDIR/tensorboard.")


def main(argv):
  del argv
  if _RESTARTS.value:
    sys.exit(supervise([sys.executable, "-m", "hgn_tf.train", *sys.argv[1:], "--restarts=0"], _RESTARTS.value))
  from hgn_tf.models import presets  # slow: TensorFlow
  from hgn_tf.training.loop import train
  from hgn_tf.training.workdir import Workdir
  if not _WORKDIR.value:
    raise ValueError("--workdir is required: the folder of the run.")
  changes = cli.parse_json_object("set", _SET.value)
  changes.update({key: flag.value for key, flag in (("steps", _STEPS), ("seed", _SEED)) if flag.value is not None})
  config = presets.get(_PRESET.value, **changes)
  if _FIND_PAIRS.value:
    config = _with_pairs(config, changes)
  train(config, _DATASET.value, Workdir(_WORKDIR.value), data_dir=_DATA_DIR.value,
        save_every=_SAVE_EVERY.value, tensorboard=_TENSORBOARD.value, devices=_DEVICES.value,
        init=_trained(_INIT.value))
  print(f"Done. Next: hgn-evaluate --workdir={_WORKDIR.value}")


def _with_pairs(config, changes):
  """The config with as many pairs as the dataset shows.

  Raises:
    ValueError: a model without pairs, or pairs that are given.
  """
  if not hasattr(config, "pairs") or "pairs" in changes:
    raise ValueError("--find_pairs needs a preset whose state is so many pairs, such as hgn_compact, none in --set; "
                     f"got {_PRESET.value!r}{' and pairs' if 'pairs' in changes else ''}.")
  from hgn_tf.evaluation import state_size  # slow
  found = state_size.find(_DATASET.value, size=config.size, data_dir=_DATA_DIR.value)
  print(f"Frames have dimension {found['mle']:.2f} (TwoNN {found['two_nn']:.2f}): pairs={found['pairs']}")
  return dataclasses.replace(config, pairs=found["pairs"])


def _trained(name):
  """The model that a run begins from; None where none is asked for.

  Raises:
    ValueError: neither a trained model nor the folder of a run.
  """
  if name is None:
    return None
  from hgn_tf import pretrained  # slow: TensorFlow
  from hgn_tf.training.workdir import Workdir
  if name in pretrained.names():
    return pretrained.load_pretrained(name)
  if pathlib.Path(name).is_dir():
    return Workdir(name).load_model()
  raise ValueError(f"--init must be the folder of a run or one of {', '.join(pretrained.names())}; got {name!r}.")


def run():
  """Console script."""
  cli.run(main)


if __name__ == "__main__":
  run()
