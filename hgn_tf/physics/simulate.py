"""Accurate trajectories of a batch of initial states."""

import numpy as np
from scipy.integrate import DOP853

from hgn_tf.physics.base import sum_last

_RTOL, _ATOL = 1e-11, 1e-12
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 5.0
_MAX_STEPS = 100_000  # between two frames


def simulate(system, q0, p0, dt, num_steps, controls=None):
  """Hamilton's equations of `system` from each initial state: in closed form where there is one, else numerically.

  The numerical solver is DOP853 with a step size for every row, so a row's trajectory depends on that row only.

  Args:
    system: one of `SYSTEMS`, or any system like them.
    q0: initial positions, [n, d].
    p0: initial momenta, [n, d].
    dt: time between frames, either sign.
    num_steps: number of frames after the first, at least 0.
    controls: a force on each coordinate, dp/dt + u, [n, num_steps, d], each constant between two frames; None: none.

  Returns:
    q, p: float64 [n, num_steps + 1, d], the start included.

  Raises:
    ValueError: shapes that do not fit, a negative num_steps, controls that are not finite, or bodies that collide.
  """
  q0, p0 = np.asarray(q0, np.float64), np.asarray(p0, np.float64)
  if q0.shape != p0.shape or q0.ndim != 2 or q0.shape[1] != system.dimension:
    raise ValueError(f"q0 and p0 must have shape [n, {system.dimension}], got {q0.shape} and {p0.shape}.")
  if num_steps < 0:
    raise ValueError(f"num_steps must be at least 0, got {num_steps}.")
  if controls is not None:
    controls = _checked_controls(controls, (len(q0), num_steps, system.dimension))
  elif system.solve is not None and system.is_frictionless():
    return system.solve(q0, p0, dt * np.arange(num_steps + 1))
  return integrate(system, q0, p0, dt, num_steps, controls)


def _checked_controls(controls, shape):
  controls = np.asarray(controls, np.float64)
  if controls.shape != shape:
    raise ValueError(f"controls must have shape [n, num_steps, d] = {list(shape)}, got {list(controls.shape)}.")
  if not np.isfinite(controls).all():
    raise ValueError("controls must be finite, got NaN or infinity.")
  return controls


def integrate(system, q0, p0, dt, num_steps, controls=None):
  """The numerical part of `simulate`: same arguments and results."""
  d = system.dimension
  state, step = np.concatenate([q0, p0], axis=1), np.full(len(q0), 0.25 * dt)
  path = np.empty((len(q0), num_steps + 1, 2 * d))
  path[:, 0] = state
  for frame in range(1, num_steps + 1):
    force = None if controls is None else controls[:, frame - 1]
    state, step = _advance(system, state, step, dt, force)
    path[:, frame] = state
  return path[..., :d], path[..., d:]


def _advance(system, state, step, dt, force=None):
  """Takes every row from one frame to the next under a constant force, in as many steps as it needs."""
  state, step, time = state.copy(), step.copy(), np.zeros(len(state))
  rows = np.arange(len(state))
  for _ in range(_MAX_STEPS):
    if not rows.size:
      return state, step
    left = dt - time[rows]
    last = np.abs(step[rows]) >= np.abs(left)
    size = np.where(last, left, step[rows])
    own = None if force is None else np.asfortranarray(force[rows])
    proposal, error = _dop853_step(system.rows(rows), np.asfortranarray(state[rows]), size, own)
    accept = error <= 1.0
    factor = np.clip(_SAFETY * np.maximum(error, 1e-14) ** -0.125, _SHRINK, _GROW)
    state[rows[accept]] = proposal[accept]
    time[rows[accept]] += size[accept]
    # A step cut short by the frame's end says nothing against the size that was planned.
    step[rows] = np.where(last & accept, np.where(size * factor / dt > step[rows] / dt, size * factor, step[rows]),
                          size * factor)
    rows = rows[~(last & accept)]
  raise ValueError(f"{rows.size} trajectories need more than {_MAX_STEPS} steps of the solver between two frames: "
                   "bodies collide.")


def _dop853_step(system, state, size, force):
  """One step of Dormand and Prince's method of order 8, and its error in units of the tolerance, per row."""
  column, slopes = size[:, None], []
  for stage in range(DOP853.n_stages):
    slopes.append(_slope(system, _combine(state, column, slopes, DOP853.A[stage]), force))
  proposal = _combine(state, column, slopes, DOP853.B)
  slopes.append(_slope(system, proposal, force))
  scale = _ATOL + _RTOL * np.maximum(np.abs(state), np.abs(proposal))
  fifth = sum_last((_combine(0.0, 1.0, slopes, DOP853.E5) / scale) ** 2)[:, 0]
  third = sum_last((_combine(0.0, 1.0, slopes, DOP853.E3) / scale) ** 2)[:, 0]
  error = np.abs(size) * fifth / np.sqrt(np.maximum(fifth + 0.01 * third, 1e-300) * state.shape[1])
  return proposal, np.where(np.isfinite(error), error, np.inf)


def _slope(system, state, force):
  d = system.dimension
  dq, dp = system.vector_field(state[:, :d], state[:, d:])
  return np.concatenate([dq, dp if force is None else dp + force], axis=1)


def _combine(state, size, slopes, weights):
  total = 0.0
  for weight, slope in zip(weights, slopes, strict=False):
    if weight:
      total = total + weight * slope
  return state + size * total
