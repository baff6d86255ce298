"""Whether a model has learned the law behind its films: energies, states and frequencies against the true ones."""

import dataclasses

import numpy as np
import scipy.interpolate
import scipy.optimize
import tensorflow as tf

from hgn_tf import physics
from hgn_tf.mechanics.phase_space import PhaseSpace

_NEIGHBORS, _SMOOTHING = 100, 1e-3  # of the map from learned to true states


def r_squared(true, predicted):
  """1 - (squared error) / (variance of the truth), over all components; 1 is exact, 0 is the mean."""
  true, predicted = np.asarray(true, np.float64), np.asarray(predicted, np.float64)
  return float(1.0 - np.sum((true - predicted) ** 2) / np.sum((true - true.mean(axis=0)) ** 2))


@dataclasses.dataclass(frozen=True)
class MonotoneMap:
  """The increasing function that carries learned energies to true ones best, by isotonic regression."""

  learned: np.ndarray
  true: np.ndarray

  @classmethod
  def fit(cls, learned, true):
    """From pairs of energies, each [n]."""
    order = np.argsort(learned)
    return cls(np.asarray(learned)[order], scipy.optimize.isotonic_regression(np.asarray(true)[order]).x)

  def __call__(self, learned):
    return np.interp(learned, self.learned, self.true)


def halves(n):
  """Indices of two halves of n films: to fit a map on, and to measure it on."""
  return np.arange(0, n, 2), np.arange(1, n, 2)


def energy_r_squared(learned, true):
  """R^2 of the true energy by an increasing function of the learned one, fitted to one half of the films.

  Args:
    learned, true: energies of films, [n].
  """
  fit, test = halves(len(true))
  return r_squared(true[test], MonotoneMap.fit(learned[fit], true[fit])(learned[test]))


def state_r_squared(learned, true, num=1500):
  """R^2 of the true state by a smooth function of the learned one, thin plates fitted to one half of the films.

  Args:
    learned: states along the films, [n, T + 1, m].
    true: [n, T + 1, k].
    num: states that it is fitted to.
  """
  fit, test = halves(len(true))
  some = np.random.default_rng(0).permutation(len(fit) * learned.shape[1])[:num]
  flat = lambda x, rows: np.reshape(x[rows], (-1, x.shape[-1]))  # noqa: E731
  scale = flat(learned, fit).std(axis=0) + 1e-12
  smooth = scipy.interpolate.RBFInterpolator(flat(learned, fit)[some] / scale, flat(true, fit)[some],
                                             neighbors=_NEIGHBORS, smoothing=_SMOOTHING)
  others = np.random.default_rng(1).permutation(len(test) * learned.shape[1])[:num]
  return r_squared(flat(true, test)[others], smooth(flat(learned, test)[others] / scale))


def frequencies(paths, dt):
  """Turns per time of the motion's leading component, by the mean of its upward crossings of its mean; [n].

  Args:
    paths: [n, T + 1, d], several turns long.
    dt: time of a step.
  """
  found = []
  for path in np.asarray(paths, np.float64):
    centred = path - path.mean(axis=0)
    x = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
    up = np.flatnonzero((x[:-1] < 0) & (x[1:] >= 0))
    crossings = up + x[up] / (x[up] - x[up + 1])
    found.append((len(crossings) - 1) / (crossings[-1] - crossings[0]) / dt if len(crossings) > 1 else np.nan)
  return np.array(found)


@dataclasses.dataclass(frozen=True, eq=False)
class Law:
  """What a model makes of test films, beside the truth.

  Attributes:
    energy, true_energy: of each film, [n].
    states, true_states: (q, p) along the film, [n, T + 1, 2d].
    frequency, true_frequency: of long rollouts, [n].
  """

  energy: np.ndarray
  true_energy: np.ndarray
  states: np.ndarray
  true_states: np.ndarray
  frequency: np.ndarray
  true_frequency: np.ndarray

  def figures(self):
    """dict: `energy_r2`, `state_r2`, `frequency_r2`."""
    turning = np.isfinite(self.frequency) & np.isfinite(self.true_frequency)
    return {"energy_r2": energy_r_squared(self.energy, self.true_energy),
            "state_r2": state_r_squared(self.states, self.true_states),
            "frequency_r2": r_squared(self.true_frequency[turning], self.frequency[turning])}


def compare(model, frames, world, long=400):
  """The `Law` of a model with an energy.

  Args:
    model: HGN.
    frames: test films, [n, T + 1, H, W, C].
    world: their Truth.
    long: steps of the rollouts whose frequency is measured.
  """
  start = model.infer(tf.constant(frames))
  dt, steps = model.config.dt, frames.shape[1] - 1
  path = tf.function(model.rollout)(start, tf.constant(long))
  q, p = (np.reshape(x, (*x.shape[:2], -1)) for x in (path.q.numpy(), path.p.numpy()))
  system = dataclasses.replace(world.spec.system, **world.constants)
  true_q, _ = physics.simulate(system, world.q[:, 0], world.p[:, 0], world.spec.dt, long)
  return Law(
      energy=np.asarray(model.energy(PhaseSpace(*start))), true_energy=system.hamiltonian(world.q[:, 0], world.p[:, 0]),
      states=np.concatenate([q, p], axis=-1)[:, :steps + 1],
      true_states=np.concatenate([world.q, world.p], axis=-1)[:, :steps + 1],
      frequency=frequencies(q, dt) * (dt / world.spec.dt), true_frequency=frequencies(true_q, world.spec.dt))
