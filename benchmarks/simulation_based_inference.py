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
from scipy import stats

from hgn_tf.models import NHF, presets
from hgn_tf.training import files

_OUT = flags.DEFINE_string("out", "results/flows/two_moons_posterior.json", "File to write.")
_STEPS = flags.DEFINE_integer("steps", 40_000, "Optimiser steps.")
_SEED = flags.DEFINE_integer("seed", 0, "Of simulations, weights and noise.")
SIMULATIONS, HELD_OUT, SAMPLES, OBSERVATIONS = 100_000, 4_000, 5_000, 5


def ring(rng, n):
  """Points of the half ring, [n, 2]."""
  angle, radius = rng.uniform(-np.pi / 2, np.pi / 2, n), rng.normal(0.1, 0.01, n)
  return np.stack([radius * np.cos(angle) + 0.25, radius * np.sin(angle)], -1)


def shift(parameters):
  """By how much parameters [n, 2] move the half ring, [n, 2]."""
  first, second = parameters.T
  return np.stack([-np.abs(first + second), second - first], -1) / np.sqrt(2)


def simulate(rng, parameters):
  """Observations [n, 2] of parameters [n, 2]."""
  return ring(rng, len(parameters)) + shift(parameters)


def solve(points, observation, sign):
  """Parameters [n, 2] that move points of the ring to an observation, their sum of that sign; and which exist."""
  offset = np.sqrt(2) * (points - observation)
  total, difference = sign * offset[:, 0], -offset[:, 1]
  parameters = np.stack([total - difference, total + difference], -1) / 2
  return parameters, (offset[:, 0] >= 0) & (np.abs(parameters) <= 1).all(1)


def posterior(rng, observation, n):
  """Exact samples [n, 2] of the parameters: of each point of the ring, one of the two that lead to the observation."""
  found = np.zeros((0, 2))
  while len(found) < n:
    parameters, exist = solve(ring(rng, 2 * n), observation, rng.choice([-1, 1], 2 * n))
    found = np.concatenate([found, parameters[exist]])
  return found[:n]


def best_log_prob(rng, parameters, observations, draws=2000):
  """Log densities [n] of the exact posterior at parameters [n, 2] for observations [n, 2], its constant by `draws`."""
  distance = np.linalg.norm(observations - shift(parameters) - [0.25, 0.0], axis=-1)
  constants = [sum(solve(ring(rng, draws), observation, sign)[1].mean() for sign in (-1, 1))
               for observation in observations]
  return stats.norm.logpdf(distance, 0.1, 0.01) - np.log(np.pi * distance) - np.log(constants)


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
  model = NHF(presets.get("nhf_mixture", context_size=2, hidden=(64, 64, 64), frequency=4.0, train_samples=8,
                          batch_size=256, steps=_STEPS.value, seed=_SEED.value))
  model.adapt(parameters, observations)
  model.compile(steps_per_execution=20)
  start = time.process_time()
  model.fit((parameters, observations), verbose=0)
  seconds = time.process_time() - start
  held_out = np.concatenate([np.zeros((1, 2)), simulate(rng, rng.uniform(-0.7, 0.7, (OBSERVATIONS - 1, 2)))])
  unseen = rng.uniform(-1, 1, (HELD_OUT, 2))
  seen = simulate(rng, unseen)
  reached = float(np.mean(model.log_prob(unseen.astype(np.float32), seen.astype(np.float32), seed=1)))
  best = float(np.mean(best_log_prob(rng, unseen, seen)))
  print(f"held-out log density {reached:.3f} nats, of the exact posterior {best:.3f}", flush=True)
  scores = []
  for observation in held_out:
    exact = posterior(rng, observation, SAMPLES)
    scores.append(c2st(exact, model.sample(SAMPLES, observation.astype(np.float32), seed=1).numpy()))
    floor = c2st(exact, posterior(rng, observation, SAMPLES))
    print(f"{observation}: C2ST {scores[-1]:.3f}, of exact samples {floor:.3f}", flush=True)
  pathlib.Path(_OUT.value).parent.mkdir(parents=True, exist_ok=True)
  files.write_json(_OUT.value, {
      "c2st": scores, "observations": held_out.tolist(), "steps": _STEPS.value, "simulations": SIMULATIONS,
      "seed": _SEED.value, "train_seconds": seconds, "log_prob": reached, "best_log_prob": best})


if __name__ == "__main__":
  app.run(main)
