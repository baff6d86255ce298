"""Two players who learn a zero-sum game: replicator dynamics as a Hamiltonian system (Hofbauer 1996).

Each player's strategy grows where it does better than average, dx_i/dt = x_i ((A y)_i - x^T A y), and the like for y.
In log odds the motion is canonical, its energy separates, and strategies go around the equilibrium for ever.
"""

import dataclasses
from typing import ClassVar

import numpy as np

from hgn_tf.physics.base import System, sum_last


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Game(System):
  """What the games share: strategies from log odds, uniform first ones, the picture of the joint strategy.

  There is nothing to set but friction, which pulls the momenta towards even odds; `radius` and `canvas` are not used.
  """

  radius: tuple = (0.0, 1.0)

  actions: ClassVar[int]

  def hamiltonian(self, q, p):
    """Energy of the states: [...] for q, p [..., actions - 1]."""
    return self._well(q) + self._well(self._odds(p))

  def sample_initial(self, rng, n, radius=None):
    """n pairs of strategies, uniform on their simplexes, as q, p [n, actions - 1]."""
    del radius
    waits = -np.log(rng.uniform(0.0, 1.0, (n, 2, self.actions)))  # normalised, uniform on the simplex
    odds = np.log(waits[..., :-1] / waits[..., -1:])
    return odds[:, 0], self._momenta(odds[:, 1])

  def strategies(self, q, p):
    """(x, y), the probabilities of each player's actions: [..., actions] each."""
    return _probabilities(q), _probabilities(self._odds(p))

  def pattern(self, q, p):
    """What is shown: the probability of every pair of actions, x y^T [..., actions, actions]."""
    x, y = self.strategies(q, p)
    return x[..., :, None] * y[..., None, :]

  def inside(self, q):
    """Everything is on the picture."""
    return np.ones(q.shape[:-1], bool)

  @staticmethod
  def _odds(p):
    """Log odds of the second player's actions against the last one."""
    return p

  @staticmethod
  def _momenta(odds):
    return odds


@dataclasses.dataclass(frozen=True, kw_only=True)
class MatchingPennies(_Game):
  """Heads or tails: one player wins where the coins match, H = V(q) + V(p), V(a) = 4 ln(1 + e^a) - 2 a.

  q and p are the log odds of heads of the first and second player; dq/dt = 4 y - 2, dp/dt = 2 - 4 x.
  """

  actions: ClassVar[int] = 2

  def velocity(self, p):
    """dH/dp."""
    return 4.0 * _probabilities(p)[..., :1] - 2.0

  def force(self, q):
    """-dH/dq."""
    return 2.0 - 4.0 * _probabilities(q)[..., :1]

  @staticmethod
  def _well(odds):
    return (4.0 * np.logaddexp(0.0, odds) - 2.0 * odds)[..., 0]


@dataclasses.dataclass(frozen=True, kw_only=True)
class RockPaperScissors(_Game):
  """H = -V(u) - V(v), V(a) = 3 ln(1 + e^a1 + e^a2) - a1 - a2, with u = q and v = (-p2, p1) the players' log odds.

  Of rock and paper, each against scissors. du/dt = (1 - 3 y2, 3 y1 - 1) and the like for v.
  """

  actions: ClassVar[int] = 3
  dims: ClassVar[int] = 2

  def velocity(self, p):
    """dH/dp."""
    y = _probabilities(self._odds(p))
    return np.stack([1.0 - 3.0 * y[..., 1], 3.0 * y[..., 0] - 1.0], axis=-1)

  def force(self, q):
    """-dH/dq."""
    return 3.0 * _probabilities(q)[..., :2] - 1.0

  @staticmethod
  def _well(odds):
    top = np.maximum(np.max(odds, axis=-1), 0.0)
    total = np.exp(-top) + np.exp(odds[..., 0] - top) + np.exp(odds[..., 1] - top)
    return odds[..., 0] + odds[..., 1] - 3.0 * (top + np.log(total))

  @staticmethod
  def _odds(p):
    return np.stack([-p[..., 1], p[..., 0]], axis=-1)

  @staticmethod
  def _momenta(odds):
    return np.stack([odds[..., 1], -odds[..., 0]], axis=-1)


def _probabilities(odds):
  """[..., actions] from the log odds [..., actions - 1] of all actions but the last."""
  odds = np.concatenate([odds, np.zeros_like(odds[..., :1])], axis=-1)
  weights = np.exp(odds - np.max(odds, axis=-1, keepdims=True))
  return weights / sum_last(weights)
