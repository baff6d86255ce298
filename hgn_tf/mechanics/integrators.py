"""The integrators as coefficient tables.

A splitting method for H = K(p) + V(q) is a sequence of kicks p -= c dt dV/dq and drifts q += c dt dK/dp; a Runge-Kutta
method is its Butcher tableau; Tao's is a sequence of flows in a doubled phase space. Each says its `order`; whether it
is `symplectic`, `symmetric` (a step of -dt inverts a step of dt), `reversible` (the same, of the state together with
what a step carries); and whether it `needs_separable` energies.
"""

import fractions
import math

from hgn_tf.mechanics.extended import BIND, COPY, OWN, Extended
from hgn_tf.mechanics.hamiltonians import Field, is_separable
from hgn_tf.mechanics.implicit_midpoint import ImplicitMidpoint
from hgn_tf.mechanics.port_hamiltonian import Damped, PortHamiltonian
from hgn_tf.mechanics.runge_kutta import RungeKutta
from hgn_tf.mechanics.splitting import DRIFT, KICK, Splitting


def _of_eulers(firsts, seconds):
  """The substeps of pairs of symplectic Euler steps: kick and drift of `firsts`, then drift and kick of `seconds`."""
  kicks = [a + b for a, b in zip((0.0, *seconds), (*firsts, 0.0), strict=True)]
  drifts = [a + b for a, b in zip(firsts, seconds, strict=True)]
  pairs = (((KICK, kick), (DRIFT, drift)) for kick, drift in zip(kicks, drifts, strict=False))
  return (*(substep for pair in pairs for substep in pair), (KICK, kicks[-1]))


def _of_leapfrogs(parts):
  """The substeps of leapfrogs of these parts of a step, one after another."""
  halves = [0.5 * part for part in parts]
  return _of_eulers(halves, halves)


_SIXTH, _THIRD = float(fractions.Fraction(1, 6)), float(fractions.Fraction(1, 3))
_RUTH = 1.0 / (2.0 - 2.0 ** (1.0 / 3.0))  # Forest & Ruth 1990
_YOSHIDA = (0.78451361047755726382, 0.23557321335935813368, -1.17767998417887100695)  # 1990, solution A of order 6
_ROOT = math.sqrt(19.0)
_MCLACHLAN = ((14 - _ROOT) / 108, (-23 - 20 * _ROOT) / 270, 1 / 5, (-2 + 10 * _ROOT) / 135,
              (146 + 5 * _ROOT) / 540)  # 1995, order 4 with the smallest error of five stages
_OMEGA = 5.0

INTEGRATORS = {
    method.name: method
    for method in (
        RungeKutta("euler", 1, ((),), (1.0,)),
        Splitting("symplectic_euler", 1, ((KICK, 1.0), (DRIFT, 1.0))),
        Splitting("leapfrog", 2, ((KICK, 0.5), (DRIFT, 1.0), (KICK, 0.5))),
        RungeKutta("rk4", 4, ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), (_SIXTH, _THIRD, _THIRD, _SIXTH)),
        Splitting("ruth4", 4, _of_leapfrogs((_RUTH, 1 - 2 * _RUTH, _RUTH))),
        Splitting("mclachlan4", 4, _of_eulers(_MCLACHLAN, _MCLACHLAN[::-1])),
        Splitting("yoshida6", 6, _of_leapfrogs((*_YOSHIDA, 1 - 2 * sum(_YOSHIDA), *_YOSHIDA[::-1]))),
        ImplicitMidpoint("implicit_midpoint"),
        Extended("tao", 2, ((OWN, 0.5), (COPY, 0.5), (BIND, 1.0), (COPY, 0.5), (OWN, 0.5)), _OMEGA),
    )
}


def get_integrator(method):
  """The entry of `INTEGRATORS` called `method`; an integrator passes through.

  Raises:
    ValueError: unknown name; the message lists the known ones.
  """
  if isinstance(method, (Splitting, RungeKutta, ImplicitMidpoint, Extended, Damped)):
    return method
  if method not in INTEGRATORS:
    raise ValueError(f"Unknown integrator method={method!r}; known: {', '.join(sorted(INTEGRATORS))}.")
  return INTEGRATORS[method]


def names(attribute, value=True):
  """The names of the integrators whose `attribute` has this value."""
  return [name for name, method in INTEGRATORS.items() if getattr(method, attribute) == value]


def integrator_of(method, hamiltonian):
  """The integrator that `method` names, as `hamiltonian` takes it: a `PortHamiltonian` has its friction split off.

  Raises:
    ValueError: unknown name, or a method that does not step this hamiltonian.
  """
  integrator = get_integrator(method)
  if isinstance(hamiltonian, PortHamiltonian) and not isinstance(integrator, (RungeKutta, Damped)):
    if not integrator.symmetric:
      raise ValueError(f"method={integrator.name!r} does not step a PortHamiltonian: a symmetric method does, one of "
                       f"{', '.join(names('symmetric'))}, and so do euler and rk4.")
    integrator = Damped(integrator)
  check_hamiltonian(integrator, hamiltonian)
  return integrator


def check_hamiltonian(integrator, hamiltonian):
  """Raises a ValueError where `hamiltonian` is not what the integrator steps."""
  kind = type(hamiltonian).__name__
  if integrator.needs_separable and not is_separable(hamiltonian):
    raise ValueError(f"method={integrator.name!r} needs a separable hamiltonian with .kinetic(p) and .potential(q), "
                     f"got {kind}; {', '.join(names('needs_separable', False))} take any.")
  if not integrator.needs_separable and not (callable(hamiltonian) or isinstance(hamiltonian, Field)):
    raise ValueError(f"method={integrator.name!r} needs a hamiltonian that maps a PhaseSpace to energies [batch], got "
                     f"{kind}, which cannot be called; {', '.join(names('needs_separable'))} take .kinetic(p) and "
                     ".potential(q) apart.")
