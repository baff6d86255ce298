"""Does a compact HGN follow a double pendulum, whose energy does not separate in its angles?

  tfds build double_pendulum --imports=tfds_builders --config='{"name": "gentle", "radius": [0.4, 1.2], \
"num_steps": 130, "dt": 0.05, "resolution": 32, "num_train": 3000, "num_test": 400}'
  hgn-train --preset=hgn_compact --dataset=double_pendulum/gentle --workdir=W --steps=8000 \
    --set='{"pairs": 2, "num_frames": 65, "dt": 0.05}'
  python -m benchmarks.double_pendulum --workdir=W --out=docs/double_pendulum
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import pathlib

import numpy as np
from absl import app, flags

from hgn_tf.data import truth
from hgn_tf.evaluation import evaluator, law, metrics
from hgn_tf.evaluation.plots import rollouts
from hgn_tf.evaluation.report import markdown_table
from hgn_tf.training.workdir import Workdir

_WORKDIR = flags.DEFINE_string("workdir", None, "Of the trained model.", required=True)
_OUT = flags.DEFINE_string("out", None, "Folder of the pictures.", required=True)
FILMS, SHOWN = 64, 3


def main(argv):
  del argv
  workdir, out = Workdir(pathlib.Path(_WORKDIR.value)), pathlib.Path(_OUT.value)
  model = workdir.load_model()
  c = model.config
  measured = evaluator.Evaluator(workdir.dataset, size=c.size, num_frames=c.num_frames, data_dir=workdir.data_dir)
  films = measured.first("test", FILMS)
  world = truth.load(workdir.dataset, take=FILMS, data_dir=workdir.data_dir)
  true = world.frames(c.size)
  start = evaluator.inferred(model.infer, films[:, :c.context])
  predicted = evaluator.rolled_out(model, start, true.shape[1] - 1)
  trivial = float(np.mean((true - measured.mean_frame) ** 2))
  right = metrics.valid_prediction_time(metrics.frame_errors(predicted, true), trivial)
  energy = law.energy_r_squared(model.energy(start).numpy(),
                                world.spec.system.hamiltonian(world.q[:, 0], world.p[:, 0]))
  early, late = (float(np.mean((predicted - true)[:, part] ** 2)) / trivial
                 for part in (slice(0, c.num_frames), slice(c.num_frames, None)))
  print(markdown_table(
      [f"frames right, of {true.shape[1]}, median", "error over the film", "after it", "R² of the energy"],
      [[f"{np.median(right):.0f}", f"{early:.3f}", f"{late:.3f}", f"{energy:.3f}"]]))
  out.mkdir(parents=True, exist_ok=True)
  columns = [("truth", true[:SHOWN]), ("model", predicted[:SHOWN])]
  rollouts.animation(out / "rollout.gif", [(label, film[:, ::2]) for label, film in columns], scale=3)
  rollouts.strips(out / "rollout.png", [(label, film[0]) for label, film in columns], every=8)


if __name__ == "__main__":
  app.run(main)
