"""What the phase-space models share: rollouts by scipy, and rollouts that stop where they stop being finite."""

import warnings

import numpy as np
import scipy.integrate
import tensorflow as tf

from hgn_tf.mechanics.phase_space import PhaseSpace


def solve_ivp(field, x, times, *, rtol=1e-6, atol=1e-9, solver="RK45"):
  """Integrates dx/dt = field(x) with `scipy.integrate.solve_ivp`, each example with its own adaptive steps.

  Args:
    field: maps [batch, n] to [batch, n].
    x: [batch, n], the state at times[0].
    times: [T + 1], monotonic.
    rtol: relative tolerance; float32 fields gain nothing below 1e-7.
    atol: absolute tolerance.
    solver: scipy's `method`.

  Returns:
    Array [batch, T + 1, n] of the dtype of x; NaN from where the solver gave up.
  """
  x = np.asarray(x)
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
  finite = finite.reshape(*finite.shape[:2], -1).all(-1)  # [batch, T + 1]
  if finite.all():
    return states
  stop = int(finite.all(0).argmin())
  example = int(finite[:, stop].argmin())
  time = stop * float(np.broadcast_to(dt, len(finite))[example])
  warnings.warn(f"rollout: example {example} is not finite at step {stop} (t = {time:g}); "
                f"returning the {stop} states before it.", RuntimeWarning, stacklevel=3)
  return PhaseSpace(q[:, :stop], p[:, :stop])
