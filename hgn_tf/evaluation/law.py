"""Whether a model has learned the law behind its films: energies, states and frequencies against the true ones."""

import dataclasses

import numpy as np
import scipy.interpolate
import scipy.optimize
import tensorflow as tf

from hgn_tf import physics
from hgn_tf.evaluation import metrics

_NEIGHBORS, _SMOOTHING, _DIRECTIONS = 100, 1e-3, 16  # of the map from learned states, which may be many numbers


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
  return metrics.r_squared(true[test], MonotoneMap.fit(learned[fit], true[fit])(learned[test]))


def state_r_squared(learned, true, num=1500):
  """R^2 of the true state by a smooth function of the learned one, radial and fitted to one half of the films.

  Args:
    learned: states along the films, [n, T + 1, m].
    true: [n, T + 1, k].
    num: states that it is fitted to.
  """
  fit, test = halves(len(true))
  some = np.random.default_rng(0).permutation(len(fit) * learned.shape[1])[:num]
  others = np.random.default_rng(1).permutation(len(test) * learned.shape[1])[:num]
  flat = lambda x, rows: np.reshape(x[rows], (-1, x.shape[-1]))  # noqa: E731
  known, new = flat(learned, fit)[some], flat(learned, test)[others]
  _, lengths, directions = np.linalg.svd(known - known.mean(axis=0), full_matrices=False)
  axes = (directions[:_DIRECTIONS] / (lengths[:_DIRECTIONS, None] + 1e-12)).T * len(known) ** 0.5
  smooth = scipy.interpolate.RBFInterpolator(known @ axes, flat(true, fit)[some], neighbors=_NEIGHBORS,
                                             smoothing=_SMOOTHING, kernel="linear", degree=0)
  return metrics.r_squared(flat(true, test)[others], smooth(new @ axes))


def frequencies(paths, dt):
  """Turns per time of the motion's leading component, by the mean of its upward crossings of its mean; [n].

  Args:
    paths: [n, T + 1, d], several turns long.
    dt: time of a step.
  """
  found = []
  for path in np.asarray(paths, np.float64):
    x = _leading(path)
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
    """dict: `energy_r2`, `state_r2`, `frequency_error`: mean relative error over the films that turn; None if none."""
    errors = np.abs(self.frequency / self.true_frequency - 1.0)
    errors = errors[np.isfinite(errors)]
    return {"energy_r2": energy_r_squared(self.energy, self.true_energy),
            "state_r2": state_r_squared(self.states, self.true_states),
            "frequency_error": float(errors.mean()) if len(errors) else None}


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
  path = tf.function(model.rollout, autograph=False)(start, tf.constant(long))
  q, p = (np.reshape(x, (*x.shape[:2], -1)) for x in (path.q.numpy(), path.p.numpy()))
  system = dataclasses.replace(world.spec.system, **world.constants)
  true_q, _ = physics.simulate(system, world.q[:, 0], world.p[:, 0], world.spec.dt, long)
  return Law(
      energy=np.asarray(model.energy(start)), true_energy=system.hamiltonian(world.q[:, 0], world.p[:, 0]),
      states=np.concatenate([q, p], axis=-1)[:, :steps + 1],
      true_states=np.concatenate([world.q, world.p], axis=-1)[:, :steps + 1],
      frequency=frequencies(q, dt) * (dt / world.spec.dt), true_frequency=frequencies(true_q, world.spec.dt))


def endurance(model, frames, num_steps=1000):
  """What is left of a motion after many times the length of a film, of the last tenth over the first.

  Args:
    model: HGN.
    frames: test films, [n, T + 1, H, W, C].
    num_steps: of the rollouts.

  Returns:
    dict: `amplitude`, the range of the positions' leading component; `sharpness`, the contrast of the frames; each 1
    where nothing fades; `energy_drift`, the standard deviation of H over that between films.
  """
  path = tf.function(model.rollout, autograph=False)(model.infer(tf.constant(frames)), tf.constant(num_steps))
  tenth = num_steps // 10
  early, late = (np.concatenate([model.decode(path.q[i:i + 1, part]) for i in range(len(frames))])
                 for part in (slice(0, tenth), slice(-tenth, None)))
  return {"amplitude": float(np.mean(_ranges(path.q[:, -tenth:]) / _ranges(path.q[:, :tenth]))),
          "sharpness": float(late.std(axis=(2, 3)).mean() / early.std(axis=(2, 3)).mean()),
          "energy_drift": metrics.energy_drift(model.energy(path))}


def _ranges(paths):
  """Largest less smallest value of each path's leading component, [n]."""
  return np.array([np.ptp(_leading(path)) for path in np.reshape(paths, (*paths.shape[:2], -1))])


def _leading(path):
  """The leading component of a path [T, d] about its mean, [T]."""
  centred = path - path.mean(axis=0)
  return centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
