"""Effective samples a second of densities known up to a constant: plain HMC, and NHFs that were fitted to them.

One JSON per target goes to results/flows. `hmc` is TFP's with ten leapfrog steps and an adapted step size; `nhf_hmc`
the same kernel in the coordinates of an NHF (`phase_bijector`), `nhf_importance` its importance samples. The NHF has
the mean and the scale of the first hundred draws of the chains of `hmc`. Seconds are CPU time of one thread; those of
`fit_to` are counted apart. Of chains the least effective of all coordinates counts.

  python -m benchmarks.sampling --targets=banana,funnel,logistic
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import pathlib
import time

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from absl import app, flags

from hgn_tf.models import NHF, NHFConfig
from hgn_tf.training import files

tfd = tfp.distributions
_OUT = flags.DEFINE_string("out", "results/flows", "Folder of the rows.")
_TARGETS = flags.DEFINE_list("targets", ["banana", "funnel", "logistic"], "Targets to run.")
CHAINS, BURN_IN, DRAWS, LEAPFROGS = 20, 500, 1000, 10


def banana(x):
  """x_0 ~ N(0, 10), x_1 | x_0 ~ N(3 - 0.03 x_0^2, 1), standard deviations; two dimensions."""
  first, second = tf.unstack(x, axis=-1)
  return -0.5 * (first / 10) ** 2 - 0.5 * (second - 3 + 0.03 * first ** 2) ** 2


def funnel(x):
  """Neal's: x_0 ~ N(0, 3), the others N(0, exp(x_0 / 2)); ten dimensions."""
  first, others = x[..., 0], x[..., 1:]
  return (-0.5 * (first / 3) ** 2 - 0.5 * tf.reduce_sum(others ** 2, -1) * tf.exp(-first)
          - 0.5 * (x.shape[-1] - 1) * first)


def logistic():
  """The posterior of 50 coefficients from 400 rows of correlated inputs, the prior N(0, 1)."""
  rng = np.random.default_rng(0)
  inputs = rng.normal(size=(400, 50)) @ (np.eye(50) + 0.3 * rng.normal(size=(50, 50)) / np.sqrt(50) * 3)
  labels = rng.random(400) < 1 / (1 + np.exp(-inputs @ rng.normal(size=50) / 2))
  inputs = tf.constant(inputs, tf.float32)
  signs = tf.constant(2.0 * labels - 1, tf.float32)

  def log_density(x):
    margins = tf.linalg.matmul(x, inputs, transpose_b=True) * signs
    return tf.reduce_sum(tf.math.log_sigmoid(margins), -1) - 0.5 * tf.reduce_sum(x ** 2, -1)
  return log_density


TARGETS = {"banana": (2, lambda: banana), "funnel": (10, lambda: funnel), "logistic": (50, logistic)}


def chains(log_density, start, bijector=None):
  """(positions [draws, chains, d], acceptance, CPU seconds after tracing) of HMC, in coordinates of a bijector."""
  kernel = tfp.mcmc.HamiltonianMonteCarlo(log_density, step_size=0.1, num_leapfrog_steps=LEAPFROGS)
  if bijector is not None:
    kernel = tfp.mcmc.TransformedTransitionKernel(kernel, bijector)
  kernel = tfp.mcmc.DualAveragingStepSizeAdaptation(kernel, num_adaptation_steps=BURN_IN * 4 // 5)
  inner = (lambda k: k.inner_results) if bijector is None else (lambda k: k.inner_results.inner_results)

  @tf.function(autograph=False)
  def run(draws, burn_in):
    return tfp.mcmc.sample_chain(draws, start, kernel=kernel, num_burnin_steps=burn_in, seed=(0, 1),
                                 trace_fn=lambda _, k: inner(k).is_accepted)
  run(tf.constant(2), tf.constant(2))
  begin = time.process_time()
  states, accepted = run(tf.constant(DRAWS), tf.constant(BURN_IN))
  return states, float(tf.reduce_mean(tf.cast(accepted, tf.float32))), time.process_time() - begin


def row(states, accepted, seconds):
  """Figures of chains: the least effective samples of all coordinates, and the moments of the first."""
  effective = float(tf.reduce_min(tfp.mcmc.effective_sample_size(
      states, cross_chain_dims=1, filter_beyond_positive_pairs=True)))
  return {"effective": effective, "per_second": effective / seconds, "seconds": seconds, "accepted": accepted,
          "mean": float(np.mean(states[..., 0])), "deviation": float(np.std(states[..., 0]))}


def weighted_row(points, log_weights, seconds):
  """The same of importance samples."""
  share = tf.nn.softmax(tf.cast(log_weights, tf.float64)).numpy()
  mean = float(np.sum(share * points[:, 0]))
  effective = float(1 / np.sum(share ** 2))
  return {"effective": effective, "per_second": effective / seconds, "seconds": seconds, "draws": len(share),
          "mean": mean, "deviation": float(np.sqrt(np.sum(share * (points[:, 0] - mean) ** 2)))}


def measure(name):
  """All rows of one target."""
  size, make = TARGETS[name]
  log_density = make()
  keras.utils.set_random_seed(0)
  start = tf.random.stateless_normal([CHAINS, size], (0, 7))
  states, *rest = chains(log_density, start)
  rows = {"hmc": row(states, *rest)}
  model = NHF(NHFConfig(event_size=size, num_steps=3, frequency=1.0, steps=3000, learning_rate=3e-3))
  model.adapt(tf.reshape(states[:100], [-1, size]))
  begin = time.process_time()
  losses = model.fit_to(log_density)
  fit_seconds = time.process_time() - begin
  bijector, target = model.phase_bijector(), model.phase_log_prob(log_density)
  states, *rest = chains(target, bijector.forward(model.prior.sample(CHAINS, seed=(0, 3))), bijector)
  rows["nhf_hmc"] = row(states[..., :size], *rest)
  draw = tf.function(lambda: model.importance_sample(log_density, 20_000, seed=0), autograph=False)
  draw()
  begin = time.process_time()
  points, log_weights = draw()
  rows["nhf_importance"] = weighted_row(points.numpy(), log_weights, time.process_time() - begin)
  return {"target": name, "size": size, "fit_seconds": fit_seconds, "loss": float(np.mean(losses[-100:])), "rows": rows}


def main(argv):
  del argv
  tf.config.threading.set_intra_op_parallelism_threads(1)
  tf.config.threading.set_inter_op_parallelism_threads(1)
  out = pathlib.Path(_OUT.value)
  out.mkdir(parents=True, exist_ok=True)
  for name in _TARGETS.value:
    found = measure(name)
    files.write_json(out / f"sampling-{name}.json", found)
    for method, figures in found["rows"].items():
      print(name, method, {key: round(value, 3) for key, value in figures.items()}, flush=True)


if __name__ == "__main__":
  app.run(main)
