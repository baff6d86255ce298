"""Every integrator on an energy that separates and on one that does not: writes docs/integrators.md.

  python -m benchmarks.integrators

Float64, graphs, no training: a few minutes. Times are ratios to leapfrog, or to rk4, within the run.
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import dataclasses
import functools
import statistics
import time

import numpy as np
import tensorflow as tf
from absl import flags

from hgn_tf.commands import cli
from hgn_tf.evaluation.report import markdown_table
from hgn_tf.mechanics.hamiltonians import Separable
from hgn_tf.mechanics.integrate import integrate
from hgn_tf.mechanics.integrators import INTEGRATORS
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.training import files

_OUT = flags.DEFINE_string("out", "docs/integrators.md", "The page.")
_RUNS = flags.DEFINE_integer("runs", 5, "Timed runs of each method; the median counts.", lower_bound=1)
_NEWTON = dataclasses.replace(INTEGRATORS["implicit_midpoint"], name="implicit_midpoint, newton", solver="newton")
METHODS = [*INTEGRATORS.values(), _NEWTON]
DT, STEPS, ROWS = 0.1, 3000, 8
OMEGAS = (0.0, 0.5, 1.0, 2.0, 5.0, 8.0, 12.0, 15.5, 20.0)
_PAGE = """# Integrators

Written by `python -m benchmarks.integrators`. Steps of Hamilton's equations, in `hgn_tf.INTEGRATORS` by name:
`hgn_tf.integrate(hamiltonian, state, dt, num_steps, method)`, the field `method` of an HGN's or an NHF's config, and
`HNN.rollout(..., method=...)`. Each takes either sign of dt, a dt for every row, float32 and float64, eagerly, in
graphs and under XLA, and has gradients with respect to the state, dt and whatever the energy depends on.

| method | kind | takes | source |
| --- | --- | --- | --- |
| `euler`, `rk4` | explicit Runge-Kutta | any energy or field | |
| `symplectic_euler`, `leapfrog` | kicks and drifts | K(p) + V(q) | |
| `ruth4` | three leapfrogs | K(p) + V(q) | Forest and Ruth 1990 |
| `mclachlan4` | five pairs of symplectic Euler steps with a small error | K(p) + V(q) | McLachlan 1995 |
| `yoshida6` | seven leapfrogs | K(p) + V(q) | Yoshida 1990, solution A |
| `implicit_midpoint` | x' = x + dt f((x + x') / 2) | any energy or field | Hairer, Lubich, Wanner 2006 |
| `tao` | explicit, on the state and a copy of it | any energy | Tao 2016 |

**Measured.** Float64, {rows} states whose coordinates are normal with standard deviation 0.5. *Order*: slope of the
error after time 1 over 15, 30, 60 steps. *Symplecticity*: largest entry of J' Omega J - Omega, J the Jacobian of four
steps of {dt}. *Reversal*: largest distance from the start after 50 steps of {dt} and 50 back. *Drift*: largest change
of the energy over {steps} steps of {dt}, nan where it overflows. *Gradients of H*: evaluations of a gradient of the
energy (of dV/dq and of dK/dp, half each, where it separates) a step. *Time*: of the {steps} steps, over that of
{first}; median of {runs} runs in turn, on two shared cores where other work ran.

## H = p^2 / 1.2 + sum(1 - cos q) + 0.3 q_1 q_2: it separates

{separable}

## The double pendulum: it does not

Angles a, b and their momenta u, v: H = (u^2 + 2 v^2 - 2 u v cos(a - b)) / (2 + 2 sin^2(a - b)) - 2 cos a - cos b.

{joint}

`implicit_midpoint` is as symplectic and as reversible as its solver's tolerance, 7e-15 of 1 + |x| a step in float64
and 4e-6 in float32; whatever is below 1e-13 is rounding. `rk4` is the more accurate over a short time, but its energy
only ever drifts further, and nothing undoes its steps. `tao` keeps its promises in the doubled phase space
(`tests/hgn_tf/mechanics/extended_test.py`), not on (q, p) alone: it cannot be a bijector, and going back from a state
begins with a new copy.

## Energies

| energy | `HGNConfig.energy_kind`, `CompactHGNConfig.energy_kind` | `HNNConfig.model` | methods |
| --- | --- | --- | --- |
| K(p) + V(q) | `separable` | `separable`, `bodies` | all |
| \\|p\\|^2 / 2m + V(q), V alone is learned | `fixed_kinetic`, m = 1 | `fixed_kinetic`, m = `mass` | all |
| p^T M(q)^-1 p / 2 + V(q), M^-1 = L L^T | `mass_matrix` | `mass_matrix` | those that take any energy |
| H(q, p), one net | `joint` | `hnn` | those that take any energy |

On a grid, M has a block at each place, from the 3x3 neighbourhood of q. Configs that were saved before these fields
came are `separable`. `HamiltonianStep` takes any energy with `implicit_midpoint`; its inverse is exact to the
solver's tolerance. A `CompactHGN` goes back from the middle of a window and on again, and takes reversible methods:
all of these but `euler`, `symplectic_euler` and `rk4`.

## The implicit midpoint rule

`ImplicitMidpoint(solver, tolerance, max_iterations, strict)`; `dataclasses.replace(INTEGRATORS["implicit_midpoint"],
solver="newton")` can be given wherever `hgn_tf.integrate` takes a name. "fixed_point" converges where dt/2 |df/dx| <
1, and is the one for grids. "newton" also converges at steps where the fixed point repels; each iteration takes the
Jacobian of f, one call on as many copies of the state as it has numbers (the table counts it as one), so that it is
for states of few numbers. A row stops when its own residual is within the tolerance, whatever the rows beside it do.
Gradients are those of the implicit function theorem: one more linear equation a step, and no memory for the
iterations; they have no derivatives of their own. Where a row does not converge, the step raises (a ValueError, in a
graph an InvalidArgumentError) and says which step, which row, its residual and what to change; under XLA, and with
`strict=False` (what `hgn-export` serves), that row is NaN from there on.

## Tao's coupling

`Extended(..., omega)`; {omega:g} in `INTEGRATORS`. The double pendulum as above, and the double well H = (1 + 0.3
q^2) p^2 / 2 - q^2 + q^4, steps of {dt}: largest change of the energy over {steps} steps. Without a spring the copies
part; from 2 omega dt of about 2 on it can resonate with the steps, and the state runs away (nan). Nothing in between
is best everywhere: 2 omega dt = 1 is where to begin.

{omegas}

## Friction and inputs

`mechanics.port_hamiltonian.PortHamiltonian(potential, damping, control, mass)`: dp/dt = -dH/dq - D(q) dH/dp + G(q)
u(t) with H = |p|^2 / 2m + V(q) and a diagonal D. A symmetric method's step stands between two halves of friction and
inputs, whose flow at fixed q is exact: of order 2, with no bound on dt from stiff friction, undone by -dt.
`hgn_tf.integrate(..., controls=u)`, [batch, num_steps, inputs], each constant over its step.
`tests/hgn_tf/mechanics/port_hamiltonian_test.py` holds every method to order 2, and `rk4` to 4, on a damped
oscillator driven by random inputs, against the exponential of its matrix. `CompactHGNConfig(damping=True,
energy_kind="fixed_kinetic")` learns D(q) with the law, `inputs=1` G(q) ([training](training.md#friction-and-forces)).
Gradients through controls are there with every `adjoint`.
"""


def pendulums():
  """Two coupled pendulums: separable, not quadratic."""
  return Separable(lambda p: tf.reduce_sum(p ** 2, -1) / 1.2,
                   lambda q: tf.reduce_sum(1 - tf.cos(q), -1) + 0.3 * q[:, 0] * q[:, 1])


def double_pendulum(s):
  """Two pendulums of length and mass 1, one below the other."""
  (a, b), (u, v) = (tf.unstack(x, axis=1) for x in s)
  return (u ** 2 + 2 * v ** 2 - 2 * u * v * tf.cos(a - b)) / (2 + 2 * tf.sin(a - b) ** 2) - 2 * tf.cos(a) - tf.cos(b)


def double_well(s):
  """A particle whose mass depends on where it is, in two wells."""
  return tf.reduce_sum((1 + 0.3 * s.q ** 2) * s.p ** 2 / 2 - s.q ** 2 + s.q ** 4, axis=-1)


def starts():
  q, p = tf.split(0.5 * tf.random.stateless_normal((2 * ROWS, 2), (0, 1), dtype=tf.float64), 2)
  return PhaseSpace(q, p)


@functools.cache
def run(hamiltonian, method, final_only=True):
  """(start, dt, num_steps) -> the solution, compiled once."""
  return tf.function(lambda start, dt, n: integrate(hamiltonian, start, dt, n, method, final_only=final_only),
                     autograph=False)


@functools.cache
def truth(hamiltonian):
  """The state after time 1."""
  return run(hamiltonian, INTEGRATORS["rk4"])(starts(), _float(1 / 4000), tf.constant(4000)).merge()


def order(hamiltonian, method):
  final = run(hamiltonian, method)
  steps = np.array([15, 30, 60])
  errors = [float(tf.norm(final(starts(), _float(1 / n), tf.constant(n)).merge() - truth(hamiltonian))) for n in steps]
  return np.polyfit(np.log(1 / steps), np.log(errors), 1)[0]


def defect(hamiltonian, method):
  @tf.function(autograph=False)
  def jacobian_of(x):
    with tf.GradientTape() as tape:
      tape.watch(x)
      y = integrate(hamiltonian, PhaseSpace.split(x), DT, 4, method, final_only=True).merge()
    return tape.batch_jacobian(y, x, experimental_use_pfor=False)
  jacobian = jacobian_of(starts().merge()).numpy()
  omega = np.kron([[0, 1], [-1, 0]], np.eye(2))
  return np.abs(np.swapaxes(jacobian, 1, 2) @ omega @ jacobian - omega).max()


def reversal(hamiltonian, method):
  final = run(hamiltonian, method)
  back = final(final(starts(), _float(DT), tf.constant(50)), _float(-DT), tf.constant(50))
  return float(tf.reduce_max(tf.abs(back.merge() - starts().merge())))


def drift(hamiltonian, method):
  path = run(hamiltonian, method, final_only=False)(starts(), _float(DT), tf.constant(STEPS))
  energy = tf.reshape(hamiltonian(PhaseSpace(*(tf.reshape(x, (-1, 2)) for x in path))), (ROWS, -1)).numpy()
  with np.errstate(invalid="ignore"):
    return np.abs(energy - energy[:, :1]).max()


def evaluations(hamiltonian, method, steps=20):
  """Gradients of the energy a step, counted as they run; a half for each of those of K and V."""
  counts = [0.0]

  def counted(energy, amount):
    @tf.custom_gradient
    def count(x):
      def tick(y):
        counts[0] += amount
        return y
      return tf.identity(x), lambda dy: tf.ensure_shape(tf.numpy_function(tick, [dy], dy.dtype), dy.shape)
    return lambda x: count(energy(x))

  if isinstance(hamiltonian, Separable) and method.needs_separable:
    watched = Separable(counted(hamiltonian.kinetic, 0.5), counted(hamiltonian.potential, 0.5))
  else:
    watched = counted(hamiltonian, 1.0)
  final = run(watched, method)
  final(starts(), _float(DT), tf.constant(1))
  first, counts[0] = counts[0], 0.0
  final(starts(), _float(DT), tf.constant(1 + steps))
  return (counts[0] - first) / steps


def seconds(hamiltonian, methods):
  """Median seconds of each method, which take turns."""
  calls = [run(hamiltonian, method) for method in methods]
  times = [[] for _ in calls]
  for i in range(_RUNS.value + 1):
    for call, taken in zip(calls, times, strict=True):
      began = time.perf_counter()
      call(starts(), _float(DT), tf.constant(STEPS)).q.numpy()
      if i:
        taken.append(time.perf_counter() - began)
  return [statistics.median(taken) for taken in times]


def table(hamiltonian):
  methods = [m for m in METHODS if isinstance(hamiltonian, Separable) or not m.needs_separable]
  name = "leapfrog" if isinstance(hamiltonian, Separable) else "rk4"
  times = dict(zip((m.name for m in methods), seconds(hamiltonian, methods), strict=True))
  rows = []
  for method in methods:
    rows.append([f"`{method.name}`".replace(", newton`", "`, newton"), f"{order(hamiltonian, method):.2f}",
                 *(f"{measure(hamiltonian, method):.1e}" for measure in (defect, reversal, drift)),
                 f"{evaluations(hamiltonian, method):.3g}", f"{times[method.name] / times[name]:.2g}"])
    print(*rows[-1], flush=True)
  header = ["method", "order", "symplecticity", "reversal", "drift", "gradients of H", "time"]
  return markdown_table(header, rows).strip()


def omega_table():
  rows = []
  for omega in OMEGAS:
    method = dataclasses.replace(INTEGRATORS["tao"], omega=omega)
    rows.append([f"{omega:g}", f"{2 * omega * DT:.2g}",
                 *(f"{drift(hamiltonian, method):.1e}" for hamiltonian in (double_pendulum, double_well))])
    print(*rows[-1], flush=True)
  return markdown_table(["omega", "2 omega dt", "double pendulum", "double well"], rows).strip()


def _float(x):
  return tf.constant(x, tf.float64)


def main(argv):
  del argv
  page = _PAGE.format(rows=ROWS, dt=DT, steps=f"{STEPS:,}", runs=_RUNS.value, first="`leapfrog`, then of `rk4`",
                      separable=table(pendulums()), joint=table(double_pendulum), omegas=omega_table(),
                      omega=INTEGRATORS["tao"].omega)
  files.write_bytes(_OUT.value, page.encode())


if __name__ == "__main__":
  cli.run(main)
