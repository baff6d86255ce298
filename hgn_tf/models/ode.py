"""What the phase-space models share: rollouts by scipy, and rollouts that stop where they stop being finite."""

import warnings

import numpy as np
import scipy.integrate
import tensorflow as tf

from hgn_tf.mechanics.phase_space import PhaseSpace

OPTIONS = ("atol", "rtol", "solver")  # of `solve_ivp`


def solve_ivp(field, x, num_steps, dt, *, rtol=1e-6, atol=1e-9, solver="RK45"):
  """Integrates dx/dt = field(x) with `scipy.integrate.solve_ivp`, each example with its own adaptive steps.

  Args:
    field: maps [batch, n] to [batch, n].
    x: [batch, n], the state at first.
    num_steps: T, at least 0.
    dt: time of a step, a scalar; negative runs backward.
    rtol: relative tolerance; float32 fields gain nothing below 1e-7.
    atol: absolute tolerance.
    solver: scipy's `method`.

  Returns:
    Array [batch, T + 1, n] of the dtype of x; NaN from where the solver gave up.
  """
  x, times = np.asarray(x), np.arange(num_steps + 1) * dt
  if not np.ptp(times):  # no time passes
    return np.repeat(x[:, None], len(times), axis=1)
  states = np.full((len(x), len(times), x.shape[1]), np.nan, x.dtype)
  for start, out in zip(x, states, strict=True):
    solution = scipy.integrate.solve_ivp(
        lambda _, y: np.asarray(field(tf.constant(y[None], x.dtype)))[0], (times[0], times[-1]), start,
        t_eval=times, rtol=rtol, atol=atol, method=solver)
    out[:solution.y.shape[1]] = solution.y.T
  return states


def finite_part(states, dt):
  """Cuts a rollout before its first step that is not finite, and warns.

  Args:
    states: PhaseSpace, each [batch, T + 1, ...].
    dt: time of a step, float or [batch]; for the warning.

  Returns:
    PhaseSpace, each [batch, n, ...] with n <= T + 1; unchanged inside a tf.function, where n cannot be known.
  """
  if not tf.executing_eagerly():
    return states
  q, p = states
  finite = np.isfinite(q) & np.isfinite(p)
  finite = finite.all(tuple(range(2, finite.ndim)))  # [batch, T + 1]
  if finite.all():
    return states
  stop = int(finite.all(0).argmin())
  example = int(finite[:, stop].argmin())
  time = stop * float(np.broadcast_to(dt, len(finite))[example])
  warnings.warn(f"rollout: example {example} is not finite at step {stop} (t = {time:g}); "
                f"returning the {stop} states before it.", RuntimeWarning, stacklevel=3)
  return PhaseSpace(q[:, :stop], p[:, :stop])
