"""Density estimation: NHF, RealNVP and zuko's flows on nine 2-D targets and tables that packages ship.

One JSON per (target, model, seed) goes to results/density, and of seed 0 a .npz with 1,000 samples of a 2-D target;
rows that exist are skipped, so the command can be repeated until it is done. Then `python -m benchmarks.density_report`
writes docs/density.md and its figures.

  python -m benchmarks.density --minutes=40
  python -m benchmarks.density --targets=gaussians4 --models=nhf_fixed_2,real_nvp_3 --seeds=0
"""

import torch._dynamo  # isort: skip # noqa: F401, before TensorFlow: each brings an LLVM, and this crashes as the second

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import pathlib

import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks.density_rows import COPULA, DIGITS, MIXTURES, MODELS, TABLES, THREE_SEEDS, run_row
from benchmarks.unfinished import unfinished
from hgn_tf.flows import distributions
from hgn_tf.training import files

_OUT = flags.DEFINE_string("out", "results/density", "Folder of the rows.")
_TARGETS = flags.DEFINE_list("targets", [*MIXTURES, *(t for t in distributions.TARGETS if t not in MIXTURES), *TABLES],
                             "Targets to run, in this order.")
_MODELS = flags.DEFINE_list("models", list(MODELS), "Models to run, in this order.")
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds; above 0 on the mixtures only, but for nhf_mixture and "
                           "zuko_nsf.")
_MINUTES = flags.DEFINE_float("minutes", None, "Start no row after so many minutes.")
_THREADS = flags.DEFINE_integer("threads", 1, "Threads of TensorFlow and torch.")


def rows():
  """(target, model, seed) in the order they run: seed 0 of everything before the others."""
  for seed in map(int, _SEEDS.value):
    for target in _TARGETS.value:
      for name in _MODELS.value:
        if name not in MODELS:
          raise ValueError(f"Unknown model {name!r}; known: {', '.join(MODELS)}.")
        if name == "nhf_mixture" and target in TABLES:
          continue  # full covariances of 64 momenta would be most of the model
        if name in COPULA and target not in TABLES or name == "nhf_copula_conv" and target != DIGITS:
          continue
        if seed == 0 or target in (*MIXTURES, *TABLES) or name in THREE_SEEDS:
          yield target, name, seed


def main(argv):
  del argv
  tf.config.threading.set_intra_op_parallelism_threads(_THREADS.value)
  tf.config.threading.set_inter_op_parallelism_threads(_THREADS.value)
  out = pathlib.Path(_OUT.value)
  paths = {(target, name, seed): out / f"{target}-{name}-{seed}.json" for target, name, seed in rows()}
  for (target, name, seed), path in unfinished(paths, _MINUTES.value):
    row, samples = run_row(target, name, seed)
    if seed == 0 and target not in TABLES:  # those that figures show
      path.parent.mkdir(parents=True, exist_ok=True)
      np.savez_compressed(path.with_suffix(".npz"), samples=samples.astype(np.float32))
    files.write_json(path, row)
    print(f"{target:12s} {name:18s} seed {seed}: {row['nats']:.4f} nats, {row['train_seconds']:.0f} s", flush=True)


if __name__ == "__main__":
  app.run(main)
