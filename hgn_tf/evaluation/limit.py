"""How long a prediction can stay right at all: an estimator that knows the law and sees what a model sees."""

import dataclasses

import numpy as np
import scipy.optimize

from hgn_tf import physics
from hgn_tf.data import truth
from hgn_tf.evaluation import metrics
from hgn_tf.training import progress

CENTROID_ERROR = 0.003  # canvas units, of positions read off noiseless frames: a fortieth of a pixel of two bodies


def physical_limit(spec, *, context, num_films, num_steps, size=32, centroid_error=CENTROID_ERROR, seed=0):
  """Valid prediction time of the least-squares estimate from positions, with the true law.

  The first state of each test film is fitted to the positions of its first frames: the noisy ones that the frames
  show, where the data has observation noise; else the true ones plus `centroid_error`. Its rollout with the true law is
  drawn and held against the true one as `Evaluator.horizon` does.

  Args:
    spec: physics.Spec.
    context: frames seen.
    num_films: test films.
    num_steps: of the rollouts.
    size: height and width of the frames.
    centroid_error: standard deviation, canvas units.
    seed: of that error.

  Returns:
    dict: `forward` and `backward`, frames right of num_steps + 1, an array [num_films] each; `energy_r2`, R² of the
    energies of the fitted states.
  """
  frames, world = truth.simulate(spec, "test", num_films, size)
  system = dataclasses.replace(spec.system, **world.constants)
  seen = _positions(spec, world, context, centroid_error, seed)
  q, p = fit_states(system, seen, spec.dt, world.q[:, 0], world.p[:, 0])
  best = dataclasses.replace(world, q=q[:, None], p=p[:, None])
  mean_frame, found = frames.mean(axis=(0, 1)), {}
  for name, speed in (("forward", 1.0), ("backward", -1.0)):
    true, predicted = (one.frames(size, num_steps=num_steps, speed=speed) for one in (world, best))
    trivial = float(np.mean((true - mean_frame) ** 2))
    found[name] = metrics.valid_prediction_time(metrics.frame_errors(predicted, true), trivial)
  found["energy_r2"] = metrics.r_squared(system.hamiltonian(world.q[:, 0], world.p[:, 0]), system.hamiltonian(q, p))
  return found


def _positions(spec, world, context, centroid_error, seed):
  """What can be read off the first frames, [n, context, d]."""
  if spec.observation_noise:
    return physics.make_examples(spec, "test", range(len(world.q)))["noisy_q"][:, :context]
  clean = world.q[:, :context]
  return clean + centroid_error * np.random.default_rng(seed).standard_normal(clean.shape)


def fit_states(system, positions, dt, q0, p0):
  """The first states whose true motion comes nearest to observed positions, by Levenberg and Marquardt.

  Args:
    system: physics system, its constants numbers or arrays [n].
    positions: [n, T, d], at times 0, dt, ...
    dt: time between them.
    q0, p0: [n, d], where the search begins.

  Returns:
    (q, p), each [n, d].
  """
  fitted = [_fit_state(_world_of(system, i), seen, dt, np.concatenate([q0[i], p0[i]]))
            for i, seen in enumerate(progress.track(positions, "Fitting first states", unit="films"))]
  return tuple(np.split(np.array(fitted), 2, axis=1))


def _fit_state(system, seen, dt, start, step=1e-6):
  """(q, p) of one film; the Jacobian by forward differences, all of them simulated at once."""
  d = len(start) // 2

  def motions(states):
    return physics.simulate(system, states[:, :d], states[:, d:], dt, len(seen) - 1)[0].reshape(len(states), -1)

  def jacobian(x):
    paths = motions(np.concatenate([x[None], x + step * np.eye(2 * d)]))
    return ((paths[1:] - paths[0]) / step).T

  return scipy.optimize.least_squares(
      lambda x: motions(x[None])[0] - seen.ravel(), start, jacobian, method="lm", max_nfev=60).x


def _world_of(system, i):
  """The system of film i, where constants are arrays with a value for each film."""
  own = {name: float(value[i]) for name, value in system.constants.items() if isinstance(value, np.ndarray)}
  return dataclasses.replace(system, **own)
