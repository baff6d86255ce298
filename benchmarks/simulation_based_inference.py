"""Does a conditional NHF find the posterior of the benchmark "two moons", by a classifier two-sample test?

Parameters are uniform in [-1, 1]^2; an observation is a point of a half ring (radius N(0.1, 0.01), angle uniform) moved
by (-|t1 + t2|, t2 - t1) / sqrt 2. Its posterior has two moons and is sampled exactly by inverting that. C2ST is the
accuracy in five-fold cross-validation of scikit-learn's MLP that tells samples of the NHF from those: 0.5 is the best.
Writes results/flows/two_moons_posterior.json.

  python -m benchmarks.simulation_based_inference
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import pathlib
import time

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

from hgn_tf.models import NHF, presets
from hgn_tf.training import files

_OUT = flags.DEFINE_string("out", "results/flows/two_moons_posterior.json", "File to write.")
_STEPS = flags.DEFINE_integer("steps", 40_000, "Optimiser steps.")
_SEED = flags.DEFINE_integer("seed", 0, "Of simulations, weights and noise.")
SIMULATIONS, SAMPLES, OBSERVATIONS = 100_000, 5_000, 5


def ring(rng, n):
  """Points of the half ring, [n, 2]."""
  angle, radius = rng.uniform(-np.pi / 2, np.pi / 2, n), rng.normal(0.1, 0.01, n)
  return np.stack([radius * np.cos(angle) + 0.25, radius * np.sin(angle)], -1)


def simulate(rng, parameters):
  """Observations [n, 2] of parameters [n, 2]."""
  first, second = parameters.T
  return ring(rng, len(parameters)) + np.stack([-np.abs(first + second), second - first], -1) / np.sqrt(2)


def posterior(rng, observation, n):
  """Exact samples [n, 2] of the parameters: of each point of the ring, one of the two that lead to the observation."""
  found = np.zeros((0, 2))
  while len(found) < n:
    offset = np.sqrt(2) * (ring(rng, 2 * n) - observation)
    total, difference = rng.choice([-1, 1], 2 * n) * offset[:, 0], -offset[:, 1]
    parameters = np.stack([total - difference, total + difference], -1) / 2
    found = np.concatenate([found, parameters[(offset[:, 0] >= 0) & (np.abs(parameters) <= 1).all(1)]])
  return found[:n]


def c2st(x, y):
  """Accuracy of telling x [n, d] from y [n, d]."""
  from sklearn.model_selection import cross_val_score
  from sklearn.neural_network import MLPClassifier
  mean, deviation = x.mean(0), x.std(0)
  rows = (np.concatenate([x, y]) - mean) / deviation
  classifier = MLPClassifier((10 * x.shape[1],) * 2, max_iter=1000, random_state=0)
  order = np.random.default_rng(0).permutation(len(rows))
  return float(cross_val_score(classifier, rows[order], np.repeat([0, 1], len(x))[order], cv=5).mean())


def main(argv):
  del argv
  tf.config.threading.set_intra_op_parallelism_threads(1)
  tf.config.threading.set_inter_op_parallelism_threads(1)
  keras.utils.set_random_seed(_SEED.value)
  rng = np.random.default_rng(_SEED.value)
  parameters = rng.uniform(-1, 1, (SIMULATIONS, 2)).astype(np.float32)
  observations = simulate(rng, parameters).astype(np.float32)
  model = NHF(presets.get("nhf_mixture", context_size=2, hidden=(64, 64, 64), batch_size=256, steps=_STEPS.value,
                          seed=_SEED.value))
  model.adapt(parameters, observations)
  model.compile(steps_per_execution=20)
  start = time.process_time()
  model.fit((parameters, observations), verbose=0)
  seconds = time.process_time() - start
  held_out = np.concatenate([np.zeros((1, 2)), simulate(rng, rng.uniform(-0.7, 0.7, (OBSERVATIONS - 1, 2)))])
  scores = []
  for observation in held_out:
    exact = posterior(rng, observation, SAMPLES)
    scores.append(c2st(exact, model.sample(SAMPLES, observation.astype(np.float32), seed=1).numpy()))
    floor = c2st(exact, posterior(rng, observation, SAMPLES))
    print(f"{observation}: C2ST {scores[-1]:.3f}, of exact samples {floor:.3f}", flush=True)
  pathlib.Path(_OUT.value).parent.mkdir(parents=True, exist_ok=True)
  files.write_json(_OUT.value, {
      "c2st": scores, "observations": held_out.tolist(), "steps": _STEPS.value, "simulations": SIMULATIONS,
      "seed": _SEED.value, "train_seconds": seconds})


if __name__ == "__main__":
  app.run(main)
