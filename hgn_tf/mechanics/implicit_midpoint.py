"""The implicit midpoint rule, symplectic for any Hamiltonian."""

import dataclasses

import numpy as np
import tensorflow as tf

from hgn_tf.mechanics.hamiltonians import vector_field
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.mechanics.roots import find_root, jacobian

SOLVERS = ("fixed_point", "newton")
_ULPS = 32  # the default tolerance, in roundings of the dtype
_FIRST_ORDER = "implicit_midpoint has first derivatives only."


@dataclasses.dataclass(frozen=True)
class ImplicitMidpoint:
  """x' = x + dt f((x + x') / 2), f Hamilton's equations: symplectic, symmetric, of order 2 (Hairer et al., VI.4).

  The midpoint m = x + dt/2 f(m) is found row by row. Its gradients are those of the implicit function theorem,
  dm = (1 - dt/2 df/dx)^-1 (dx + d(dt/2 f)): they flow to the state, to dt and to whatever the energy depends on, need
  no memory for the iterations, and have no derivatives of their own.

  A row that does not converge is NaN from there on, and the step raises: a ValueError, in a graph an
  InvalidArgumentError; what XLA compiles cannot raise.

  >>> newton = dataclasses.replace(INTEGRATORS["implicit_midpoint"], solver="newton")

  Attributes:
    name: key in `INTEGRATORS`.
    solver: "fixed_point" (m <- x + dt/2 f(m); converges where dt/2 |df/dx| < 1) or "newton" (few iterations at any dt,
      each with the Jacobian of f: for states of few numbers).
    tolerance: largest |m - x - dt/2 f(m)| of a row over 1 + its largest |m|; None: 32 roundings of the dtype, 4e-6 in
      float32 and 7e-15 in float64.
    max_iterations: evaluations of f in a step, at most; the same for its gradient.
    strict: raise where a row does not converge; False: NaN alone.

  Raises:
    ValueError: unknown solver, tolerance that is not positive, max_iterations below 1.
  """

  name: str
  solver: str = "fixed_point"
  tolerance: float | None = None
  max_iterations: int = 100
  strict: bool = True
  order = 2
  symplectic = True
  symmetric = True
  reversible = True
  needs_separable = False

  def __post_init__(self):
    if self.solver not in SOLVERS:
      raise ValueError(f"solver must be one of {', '.join(SOLVERS)}, got {self.solver!r}.")
    if self.tolerance is not None and not self.tolerance > 0:
      raise ValueError(f"tolerance must be positive, got {self.tolerance}.")
    if self.max_iterations < 1:
      raise ValueError(f"max_iterations must be at least 1, got {self.max_iterations}.")

  @property
  def adjoint(self):
    """The method whose step of -dt inverts a step of dt: itself."""
    return self

  def start(self, hamiltonian, state):
    """A step carries the number of steps taken, for the message where one does not converge."""
    del hamiltonian
    return tf.zeros([], state.q.dtype)

  def step(self, hamiltonian, state, carry, dt):
    """One step of dt from `state`; returns the next state and carry."""
    shape, count = [-1, *state.q.shape[1:]], carry + 1  # static: XLA keeps no shapes
    x = PhaseSpace(*map(_rows, state)).merge()
    half = 0.5 * (_rows(dt) if dt.shape.rank else dt)

    def field(x):
      state = PhaseSpace(*(tf.reshape(y, shape) for y in PhaseSpace.split(x)))
      return PhaseSpace(*map(_rows, vector_field(hamiltonian, state))).merge()

    middle = self._attach_gradient(x + half * field(self._solve(field, x, half, count)), field, half, count)
    return PhaseSpace(*(tf.ensure_shape(tf.reshape(y, shape), state.q.shape) for y in PhaseSpace.split(2 * middle - x))
                      ), count

  def _solve(self, field, x, half, count):
    """The midpoint, without gradients."""
    x, half = tf.stop_gradient(x), tf.stop_gradient(half)

    def newton(x, wrong):
      return _solve_linear(tf.eye(x.shape[1], dtype=x.dtype) - _column(half) * jacobian(field, x), wrong)

    root, size = find_root(lambda m: x + half * field(m) - m, newton if self.solver == "newton" else lambda _, r: r, x,
                           tolerance=self._tolerance(x), floor=1.0, max_iterations=self.max_iterations)
    return self._checked(root, size, x, count, "step")

  def _attach_gradient(self, middle, field, half, count):
    """`middle` = x + half f(m), with the gradient that it has where m is `middle` itself."""
    @tf.custom_gradient
    def attach(middle):
      def gradient(v):
        u = tf.stop_gradient(self._solve_transposed(field, middle, half, v, count))
        return tf.raw_ops.PreventGradient(input=u, message=_FIRST_ORDER)
      return tf.identity(middle), gradient

    return attach(middle)

  def _solve_transposed(self, field, middle, half, v, count):
    """u with u - half (df/dx)^T u = v."""
    if self.solver == "newton":
      matrix = tf.eye(v.shape[1], dtype=v.dtype) - _column(half) * jacobian(field, middle)
      return _solve_linear(matrix, v, adjoint=True)
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
      tape.watch(middle)
      slope = field(middle)

    def residual(u):
      pulled = tape.gradient(slope, middle, output_gradients=u, unconnected_gradients=tf.UnconnectedGradients.ZERO)
      return v + half * pulled - u

    u, size = find_root(residual, lambda _, r: r, v, tolerance=self._tolerance(v), floor=np.finfo(_dtype(v)).tiny,
                        max_iterations=self.max_iterations)
    return self._checked(u, size, v, count, "gradient of step")

  def _tolerance(self, x):
    return _ULPS * np.finfo(_dtype(x)).eps if self.tolerance is None else self.tolerance

  def _checked(self, x, size, start, count, what):
    """`x` with NaN in the rows that did not converge; raises where there are any and the method is strict."""
    finite = tf.reduce_all(tf.math.is_finite(start), axis=1)
    bad = finite & (size > self._tolerance(x))
    x = tf.where(bad[:, None], tf.constant(np.nan, x.dtype), x)
    if not self.strict:
      return x
    row = tf.reduce_min(tf.where(bad, tf.range(tf.size(bad)), tf.int32.max))
    worst = tf.reduce_max(tf.where(bad, size, 0.0))
    parts = (f"{self.name}: {what}", tf.cast(count, tf.int32), f"did not converge in {self.max_iterations} iterations "
             f"of solver={self.solver!r} in row", row, ", the relative residual is", worst, f", the tolerance "
             f"{self._tolerance(x):.2g}; take a smaller dt, {self._advice()}more max_iterations or a larger tolerance.")
    if not tf.executing_eagerly():
      with tf.control_dependencies([tf.debugging.Assert(~tf.reduce_any(bad), list(parts))]):
        return tf.identity(x)
    if tf.reduce_any(bad):
      raise ValueError(" ".join(f"{float(y):.3g}" if tf.is_tensor(y) else y for y in parts).replace(" ,", ","))
    return x

  def _advice(self):
    return "solver='newton', " if self.solver == "fixed_point" else ""


def _rows(x):
  """[batch, ...] as [batch, n]."""
  return tf.reshape(x, [-1, x.shape[1:].num_elements()])


def _column(half):
  """A scalar or [batch, 1], to multiply matrices [batch, n, n]."""
  return half[..., None]


def _solve_linear(matrix, x, adjoint=False):
  return tf.linalg.solve(matrix, x[..., None], adjoint=adjoint)[..., 0]


def _dtype(x):
  return x.dtype.as_numpy_dtype
