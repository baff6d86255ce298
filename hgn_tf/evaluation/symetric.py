"""SyMetric (Higgins et al. 2021): whether a learned state is the true one up to a symplectic map.

Needs scikit-learn, the extra `follow_up`.
"""

import dataclasses
import math

import numpy as np
from sklearn.linear_model import LassoCV
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from hgn_tf.evaluation.law import halves
from hgn_tf.evaluation.metrics import r_squared

R2_LEAST, SYM_MOST = 0.9, 0.05  # thresholds of the published metric
_ALPHAS = np.logspace(-4.0, -0.5, 10)
_ORDERS, _MOST_FEATURES = 5, 3000  # of the polynomials
_LEAST_WEIGHT = 1e-3
_POINTS = 10  # of a film, where the Jacobian is taken


@dataclasses.dataclass(frozen=True)
class SyMetric:
  """What was found.

  Attributes:
    r2: R^2 of the true states by the polynomial of the learned ones, on films that it was not fitted to.
    sym: mean squared deviation of A A^T / c from the identity, A = J E J^T with the Jacobian J of the polynomial and
      the symplectic form E, c the mean of its largest entries; 0: symplectic but for one factor, or orthogonal, which
      as published it does not tell apart.
    order: of the polynomial.
  """

  r2: float
  sym: float
  order: int

  @property
  def score(self):
    """1 where r2 > 0.9 and sym < 0.05, else 0."""
    return int(self.r2 > R2_LEAST and self.sym < SYM_MOST)


def symetric(learned, true, *, keep=None, seed=0):
  """The `SyMetric` of learned states beside the true ones.

  A Lasso of the polynomials of the learned numbers to the true ones, fitted to every other film; the order rises to 5
  until R^2 > 0.9 on the others. Numbers are standardised for the fit, and J is in the units of the states: one scale
  for each number is symplectic only where all pairs agree on it. Published: five films, fitted and measured on all.

  Args:
    learned: (q, p) along films, [n, T + 1, 2m].
    true: (q, p) along them, [n, T + 1, 2d].
    keep: bool [m], pairs of the learned state that count (published: those whose posterior variance is below 0.5);
      None: all.
    seed: of the points where J is taken.

  Raises:
    ValueError: films that do not fit each other, fewer than four of them, or no pair to keep.
  """
  learned, true = _checked(learned, true, keep)
  flat = lambda x, rows: np.reshape(x[rows], (-1, x.shape[-1]))  # noqa: E731
  fit, test = halves(len(true))
  found = None
  for order in range(1, _ORDERS + 1):
    if found and math.comb(learned.shape[-1] + order, order) > _MOST_FEATURES:
      break
    polynomial = _Polynomial(order, flat(learned, fit), flat(true, fit))
    r2 = r_squared(flat(true, test), polynomial(flat(learned, test)))
    if found is None or r2 > found[0]:
      found = r2, polynomial
    if r2 > R2_LEAST:
      break
  r2, polynomial = found
  some = np.random.default_rng(seed).permuted(np.tile(np.arange(learned.shape[1]), (len(test), 1)), axis=1)[:, :_POINTS]
  points = np.take_along_axis(learned[test], some[..., None], axis=1)
  return SyMetric(r2, symplecticity(polynomial.jacobian(flat(points, slice(None)))), polynomial.order)


def symplecticity(jacobians):
  """Mean squared deviation of (J E J^T)(J E^T J^T) / c from the identity, c the mean of its largest entries.

  0 where J is symplectic but for one factor, and where it is orthogonal.

  Args:
    jacobians: [n, 2d, 2m].

  Returns:
    A number; infinity where all of it is 0.
  """
  form = symplectic_form(jacobians.shape[-1] // 2)
  area = jacobians @ form @ np.swapaxes(jacobians, 1, 2)
  square = area @ np.swapaxes(area, 1, 2)
  scale = square.max(axis=(1, 2)).mean()
  return float(np.mean((square / scale - np.eye(len(square[0]))) ** 2)) if scale else float("inf")


def symplectic_form(d):
  """E = ((0, I), (-I, 0)), [2d, 2d]."""
  zero, one = np.zeros((d, d)), np.eye(d)
  return np.block([[zero, one], [-one, zero]])


def _checked(learned, true, keep):
  learned, true = np.asarray(learned, np.float64), np.asarray(true, np.float64)
  if learned.ndim != 3 or true.shape[:2] != learned.shape[:2] or learned.shape[2] % 2 or true.shape[2] % 2:
    raise ValueError("learned and true must be states of the same films, [n, T + 1, 2m] and [n, T + 1, 2d], got "
                     f"{learned.shape} and {true.shape}.")
  if len(true) < 4:
    raise ValueError(f"learned must have at least 4 films, got {len(true)}.")
  if keep is not None:
    keep = np.asarray(keep, bool)
    if keep.shape != (learned.shape[2] // 2,) or not keep.any():
      raise ValueError(f"keep must be {learned.shape[2] // 2} of True and False, one of them True, got {keep}.")
    learned = learned[..., np.tile(keep, 2)]
  return learned, true


class _Polynomial:
  """The polynomial of an order that carries x [n, k] to y [n, l], by Lasso with the penalty that two folds choose."""

  def __init__(self, order, x, y):
    self.order = order
    self._x, self._y = StandardScaler().fit(x), StandardScaler().fit(y)
    self._features = PolynomialFeatures(order, include_bias=False).fit(x)
    features = self._features.transform(self._x.transform(x))
    fits = [LassoCV(alphas=_ALPHAS, cv=2, max_iter=2000, tol=1e-3).fit(features, column)
            for column in self._y.transform(y).T]
    self._weights = np.stack([np.where(abs(fit.coef_) < _LEAST_WEIGHT, 0.0, fit.coef_) for fit in fits])  # [l, terms]
    self._intercept = np.array([fit.intercept_ for fit in fits])

  def __call__(self, x):
    return self._y.inverse_transform(self._features.transform(self._x.transform(x)) @ self._weights.T + self._intercept)

  def jacobian(self, x):
    """dy/dx, [n, l, k]."""
    x, powers = self._x.transform(x), self._features.powers_  # [terms, k]
    used, slopes = self._weights.any(axis=0), []
    for i in range(x.shape[1]):
      rows = used & (powers[:, i] > 0)
      lower = powers[rows]
      lower[:, i] -= 1
      terms = powers[rows, i] * np.prod(x[:, None] ** lower, axis=2)
      slopes.append(terms @ self._weights[:, rows].T)
    return np.stack(slopes, axis=2) * self._y.scale_[:, None] / self._x.scale_
