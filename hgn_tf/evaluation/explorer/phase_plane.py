"""The plane of one pair (q_i, p_i) with the learned energy over it."""

import dataclasses
from collections.abc import Callable

import numpy as np

from hgn_tf.evaluation.explorer.films import REACH
from hgn_tf.mechanics.phase_space import PhaseSpace

_POINTS = 48  # of the grid along each axis
_MARGIN = 0.2  # around the path, of its range
_EVERY = 4  # states that tell a grid's leading directions
_NEAR, _FAR = 30, 4.0  # frames from frame 0, and how many of their ranges away a path may still be


@dataclasses.dataclass(frozen=True, eq=False)
class Plane:
  """What is drawn.

  Attributes:
    project: states to their path in the plane, [T, 2].
    labels: of the axes.
    axes: (q [n], p [n]) of the energy, or None where there is none.
    energy: H with all other numbers as at one state, less that state's own, over the film's largest kinetic energy;
      [n (p), n (q)], or None.
  """

  project: Callable
  labels: tuple
  axes: tuple | None = None
  energy: np.ndarray | None = None


def plane(subject, rollout, pair=1, frame=0):
  """The `Plane` of a rollout.

  Args:
    subject: `Trained` or `Exported`.
    rollout: its Rollout.
    pair: number of the pair of a vector state, from 1. A grid has none: its path is shown along the leading direction
      of q and that of p, without an energy.
    frame: whose state has the numbers that the plane does not show.

  Raises:
    ValueError: the state has not so many pairs.
  """
  pairs = subject.facts.pairs
  if pairs is None:
    project = _leading(rollout.states)
    return Plane(project, ("q, leading direction", "p, leading direction"))
  if not 1 <= pair <= pairs:
    raise ValueError(f"pair must be from 1 to {pairs} for this model, got {pair}.")
  project = lambda states: np.stack([x[:, pair - 1] for x in states], axis=-1)  # noqa: E731
  axes = tuple(_axis(x) for x in project(rollout.states).T)
  q, p = (np.repeat(x, _POINTS ** 2, axis=0) for x in rollout.at(frame))
  q[:, pair - 1], p[:, pair - 1] = (x.ravel() for x in np.meshgrid(*axes))
  energy = (subject.energy(PhaseSpace(q, p)) - subject.energy(rollout.at(frame))) / rollout.scale.kinetic
  return Plane(project, (f"q{pair}", f"p{pair}"), axes, energy.reshape(_POINTS, _POINTS))


def _axis(x):
  """An axis that holds the path [2 REACH + 1], but no more of a path that flies away than what is near its start."""
  near = x[REACH:REACH + _NEAR + 1]
  low, high = np.nanmin(near), np.nanmax(near)
  span = max(high - low, 1e-6)
  held = x[(x >= low - _FAR * span) & (x <= high + _FAR * span)]  # neither NaN nor infinity is
  margin = _MARGIN * max(np.ptp(held), span)
  return np.linspace(held.min() - margin, held.max() + margin, _POINTS, dtype=np.float32)


def _leading(states):
  """The map from states to their parts along the leading directions of q and of p."""
  flat = [x.reshape(len(x), -1) for x in states]
  kept = [x[np.isfinite(x).all(axis=1)] for x in flat]
  means = [x.mean(axis=0) for x in kept]
  rows = [np.linalg.svd((x - mean)[::_EVERY], full_matrices=False)[2][0] for x, mean in zip(kept, means, strict=True)]
  return lambda states: np.stack([(x.reshape(len(x), -1) - mean) @ row
                                  for x, mean, row in zip(states, means, rows, strict=True)], axis=-1)
