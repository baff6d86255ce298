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

    middle = self._midpoint(field, x, half, count)
    return PhaseSpace(*(tf.ensure_shape(tf.reshape(y, shape), state.q.shape) for y in PhaseSpace.split(2 * middle - x))
                      ), count

  def _midpoint(self, field, x, half, count):
    """m = x + half f(m), with its gradients."""
    root = self._solve(field, x, half, count)
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
      tape.watch(root)
      slope = field(root)
    if self.solver == "newton":  # in the forward pass, for a gradient may not read variables within a loop
      matrix = tf.stop_gradient(_matrix(field, root, half))

    def pull(v):
      """u with u - half (df/dx)^T u = v."""
      if self.solver == "newton":
        return _solve_linear(matrix, v, adjoint=True)
      return self._solve_transposed(
          lambda u: half * tape.gradient(slope, root, u, tf.UnconnectedGradients.ZERO), v, count)

    return _with_pullback(x + half * slope, pull)

  def _solve(self, field, x, half, count):
    """The midpoint, without gradients."""
    x, half = tf.stop_gradient(x), tf.stop_gradient(half)

    def newton(m, wrong):
      return _solve_linear(_matrix(field, m, half), wrong)

    root, size = find_root(lambda m: x + half * field(m) - m, newton if self.solver == "newton" else lambda _, r: r, x,
                           tolerance=self._tolerance(x), floor=1.0, max_iterations=self.max_iterations)
    return self._checked(root, size, x, count, "step")

  def _solve_transposed(self, product, v, count):
    """u = v + product(u)."""
    u, size = find_root(lambda u: v + product(u) - u, lambda _, r: r, v, tolerance=self._tolerance(v),
                        floor=np.finfo(v.dtype.as_numpy_dtype).tiny, max_iterations=self.max_iterations)
    return self._checked(u, size, v, count, "gradient of step")

  def _tolerance(self, x):
    return _ULPS * np.finfo(x.dtype.as_numpy_dtype).eps if self.tolerance is None else self.tolerance

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


def _with_pullback(x, pull):
  """`x`, whose gradient is `pull` of its own, and has none itself."""
  @tf.custom_gradient
  def once(u):
    return tf.identity(u), _refuse

  @tf.custom_gradient
  def attach(x):
    return tf.identity(x), lambda v: once(tf.stop_gradient(pull(v)))

  return attach(x)


def _refuse(v):
  """Refuses when it runs: a persistent tape builds the derivatives of a tf.function's gradients unasked."""
  if tf.executing_eagerly():
    raise ValueError(_FIRST_ORDER)
  with tf.control_dependencies([tf.debugging.Assert(False, [_FIRST_ORDER])]):
    return tf.constant(np.nan, v.dtype) * v


def _matrix(field, x, half):
  """1 - half df/dx, [batch, n, n]; half a scalar or [batch, 1]."""
  return tf.eye(x.shape[1], dtype=x.dtype) - half[..., None] * jacobian(field, x)


def _solve_linear(matrix, x, adjoint=False):
  return tf.linalg.solve(matrix, x[..., None], adjoint=adjoint)[..., 0]
