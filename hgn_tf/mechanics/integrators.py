"""The integrators as coefficient tables.

A splitting method for H = K(p) + V(q) is a sequence of kicks p -= c dt dV/dq and drifts q += c dt dK/dp; a Runge-Kutta
method is its Butcher tableau.
"""

import fractions

from hgn_tf.mechanics.runge_kutta import RungeKutta
from hgn_tf.mechanics.splitting import DRIFT, KICK, Splitting

_SIXTH, _THIRD = float(fractions.Fraction(1, 6)), float(fractions.Fraction(1, 3))
_THETA = 1.0 / (2.0 - 2.0 ** (1.0 / 3.0))  # Forest & Ruth 1990

INTEGRATORS = {
    method.name: method
    for method in (
        RungeKutta("euler", 1, ((),), (1.0,)),
        Splitting("symplectic_euler", 1, ((KICK, 1.0), (DRIFT, 1.0))),
        Splitting("leapfrog", 2, ((KICK, 0.5), (DRIFT, 1.0), (KICK, 0.5))),
        RungeKutta("rk4", 4, ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), (_SIXTH, _THIRD, _THIRD, _SIXTH)),
        Splitting("ruth4", 4, (
            (KICK, _THETA / 2), (DRIFT, _THETA), (KICK, (1 - _THETA) / 2), (DRIFT, 1 - 2 * _THETA),
            (KICK, (1 - _THETA) / 2), (DRIFT, _THETA), (KICK, _THETA / 2))),
    )
}


def get_integrator(method):
  """The entry of `INTEGRATORS` called `method`; an integrator passes through.

  Raises:
    ValueError: unknown name; the message lists the known ones.
  """
  if isinstance(method, (Splitting, RungeKutta)):
    return method
  if method not in INTEGRATORS:
    raise ValueError(f"Unknown integrator method={method!r}; known: {', '.join(sorted(INTEGRATORS))}.")
  return INTEGRATORS[method]
