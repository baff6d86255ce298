"""Does NHF with its default settings stay finite? 20,000 steps on every 2-D target, five seeds.

One JSON per (target, seed) goes to results/nhf_stability; runs that exist are skipped, so the command can be repeated
until it is done. `python -m benchmarks.density_report` puts the table into docs/density.md.

  python -m benchmarks.nhf_stability --minutes=60
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import pathlib

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks.density_rows import TRAIN, points
from benchmarks.unfinished import unfinished
from hgn_tf.flows import distributions
from hgn_tf.models import NHF, NHFConfig
from hgn_tf.training import files

_OUT = flags.DEFINE_string("out", "results/nhf_stability", "Folder of the runs.")
_TARGETS = flags.DEFINE_list("targets", list(distributions.TARGETS), "Targets to run.")
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2", "3", "4"], "Seeds of the points, the weights and the noise.")
_MINUTES = flags.DEFINE_float("minutes", None, "Start no run after so many minutes.")
STEPS, PART = 20_000, 1_000  # optimiser steps; those of one mean of the loss


def train(target, seed):
  """One run as JSON. A NaN in any step makes the mean of its part, and every weight after it, NaN."""
  keras.utils.set_random_seed(seed)
  x, _, held_out, log_density = points(target, seed)
  model = NHF(NHFConfig(steps=STEPS, seed=seed))
  model.adapt(x)
  model.compile(steps_per_execution=20)
  data = tf.data.Dataset.from_tensor_slices(x).shuffle(TRAIN, seed=seed).repeat().batch(model.config.batch_size)
  losses = model.fit(data, epochs=STEPS // PART, steps_per_epoch=PART, verbose=0).history["loss"]
  nats = float(np.mean(log_density - model.log_prob(held_out, seed=0).numpy(), dtype=np.float64))
  finite = np.isfinite([nats, *losses]).all() and all(np.isfinite(w).all() for w in model.get_weights())
  return {"target": target, "seed": seed, "steps": STEPS, "finite": bool(finite), "losses": losses, "nats": nats}


def main(argv):
  del argv
  tf.config.threading.set_intra_op_parallelism_threads(1)
  tf.config.threading.set_inter_op_parallelism_threads(1)
  out = pathlib.Path(_OUT.value)
  paths = {(target, int(seed)): out / f"{target}-{seed}.json" for seed in _SEEDS.value for target in _TARGETS.value}
  for (target, seed), path in unfinished(paths, _MINUTES.value):
    run = train(target, seed)
    files.write_json(path, run)
    print(f"{target:12s} seed {seed}: finite {run['finite']}, {run['nats']:.4f} nats", flush=True)


if __name__ == "__main__":
  app.run(main)
