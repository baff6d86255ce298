"""What a film costs from several exported models, in turns in one process, by the session that TensorFlow Serving has.

  hgn-export --pretrained=hgn_pendulum --out=/tmp/models/hgn_pendulum
  hgn-export --pretrained=hgn_compact_pendulum --out=/tmp/models/hgn_compact_pendulum
  python -m benchmarks.serving_beside --models=/tmp/models --names=hgn_pendulum,hgn_compact_pendulum
"""

import benchmarks.serving  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import os
import pathlib

import numpy as np
from absl import app, flags

from benchmarks.serving import costs, rollout_inputs, summary
from export import common, configs
from export.server.loader import SessionModel
from hgn_tf.evaluation.report import markdown_table

_MODELS = flags.DEFINE_string("models", None, "Directory that hgn-export wrote.", required=True)
_NAMES = flags.DEFINE_list("names", None, "Models there; the others are compared with the first.", required=True)
_STEPS = flags.DEFINE_integer("steps", 30, "Frames of a film after the first.", lower_bound=0)
_REQUESTS = flags.DEFINE_integer("requests", 50, "Timed requests of each model.", lower_bound=1)


def load(name):
  """(session, inputs of `rollout_uint8` for one film) of the newest version of a model."""
  path = common.newest(configs.models_in(pathlib.Path(_MODELS.value))[name])
  inputs = rollout_inputs(common.read_metadata(path), 1, _STEPS.value)
  return SessionModel(path), {**inputs, "frames": np.uint8(255 * inputs["frames"])}


def main(argv):
  del argv
  models, found = {name: load(name) for name in _NAMES.value}, {name: [] for name in _NAMES.value}
  for i in range(_REQUESTS.value + 1):
    for name, (session, inputs) in models.items():
      cost = costs(lambda s=session, x=inputs: s.run("rollout_uint8", x), [os.getpid()])
      found[name] += [cost] if i else []
  first = summary(found[_NAMES.value[0]])
  lines = [[name, *(f"{x:.1f}" for x in summary(values)), *(f"{x:.2f}" for x in summary(values) / first)]
           for name, values in found.items()]
  print(markdown_table(["model", "ms", "processor ms", "of the first", "in processor time"], lines))


if __name__ == "__main__":
  app.run(main)
