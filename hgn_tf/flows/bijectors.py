"""Hamiltonian steps as TFP bijectors of phase space: invertible, symplectic, volume preserving (paper section 3.3)."""

import tensorflow as tf
import tensorflow_probability as tfp

from hgn_tf.mechanics.hamiltonians import EnergyVariables, is_separable
from hgn_tf.mechanics.integrators import check_hamiltonian, get_integrator
from hgn_tf.mechanics.phase_space import PhaseSpace


class _VolumePreserving(tfp.bijectors.Bijector):
  """A bijector of events [2d] whose log-determinant is exactly zero and never computed."""

  def __init__(self, *, validate_args, parameters, name):
    super().__init__(forward_min_event_ndims=1, is_constant_jacobian=True, validate_args=validate_args,
                     parameters=parameters, name=name)

  def _forward_log_det_jacobian(self, x):
    return tf.zeros([], x.dtype)


class HamiltonianStep(_VolumePreserving):
  """One step of a symplectic integrator, (q, p) -> (q', p') on events [2d] with q first.

  Forward is a step of dt; inverse is a step of -dt with the substeps in reverse order, which for a symmetric method
  (leapfrog, ruth4) is the same step with -dt. That of "implicit_midpoint", which takes energies that do not separate,
  is exact to its solver's tolerance (`mechanics.implicit_midpoint.ImplicitMidpoint`).

  >>> energy = lambda x: tf.reduce_sum(x**2, -1) / 2
  >>> HamiltonianStep(hgn_tf.hamiltonians.Separable(energy, energy), 0.1).forward(tf.constant([[1.0, 0.0]]))

  Args:
    hamiltonian: has `.kinetic(p)` and `.potential(q)`, each [batch, d] -> [batch]; of "implicit_midpoint", anything
      that maps a PhaseSpace to [batch].
    dt: step, a float, tensor or variable (then it is learnable); cast to the dtype of the event. Of shape [...] it is
      the batch shape of the bijector: one step for each.
    method: symplectic integrator, a name in `hgn_tf.INTEGRATORS` or one of its values.
    validate_args: as in every tfp bijector.
    name: of the bijector.

  Raises:
    ValueError: the method is not symplectic, or the hamiltonian not what it steps; on use, an event of odd size, a
      batch that does not broadcast with dt, or iterations that do not converge (in a graph an InvalidArgumentError).
  """

  def __init__(self, hamiltonian, dt, method="leapfrog", *, validate_args=False, name="hamiltonian_step"):
    parameters = dict(locals())
    self._integrator = get_integrator(method)
    if not self._integrator.symplectic:
      raise ValueError(f"method must be symplectic, for only then is a step volume preserving and exactly invertible; "
                       f"got {self._integrator.name!r}.")
    check_hamiltonian(self._integrator, hamiltonian)
    if hasattr(hamiltonian, "vector_field"):
      raise ValueError("hamiltonian must be an energy, for the flow of no other field keeps the volume, got "
                       f"{type(hamiltonian).__name__}.")
    self.hamiltonian, self.dt = hamiltonian, dt
    self._energies = _parts(hamiltonian)  # what tf.train.Checkpoint follows
    self._energy_variables = EnergyVariables(*self._energies)  # what tf.Module finds
    super().__init__(validate_args=validate_args, parameters=parameters, name=name)

  @classmethod
  def _parameter_properties(cls, dtype):
    return {"dt": tfp.util.ParameterProperties()}

  @property
  def method(self):
    """Name of the integrator."""
    return self._integrator.name

  def _forward(self, x):
    return self._step(self._integrator, x, tf.cast(self.dt, x.dtype))

  def _inverse(self, y):
    return self._step(self._integrator.adjoint, y, -tf.cast(self.dt, y.dtype))

  def _step(self, integrator, x, dt):
    if dt.shape.rank:
      x, dt = _broadcast(x, dt)
    state = PhaseSpace.split(tf.reshape(x, [-1, x.shape[-1]]))  # energies take one batch axis
    state, _ = integrator.step(self.hamiltonian, state, integrator.start(self.hamiltonian, state), dt)
    return tf.reshape(state.merge(), tf.shape(x))


class HamiltonianFlow(_VolumePreserving):
  """A composition of Hamiltonian steps, s_T = step_n(... step_1(s_0)) (paper eq. 5): the first step acts first.

  Args:
    steps: `HamiltonianStep`s in the order they are applied; one step given several times shares its energy.
    validate_args: as in every tfp bijector.
    name: of the bijector.

  Raises:
    ValueError: no steps, or one that is not a `HamiltonianStep`.
  """

  def __init__(self, steps, *, validate_args=False, name="hamiltonian_flow"):
    parameters = dict(locals())
    self.steps = tuple(steps)
    if not self.steps or not all(isinstance(step, HamiltonianStep) for step in self.steps):
      kinds = [type(step).__name__ for step in self.steps]
      raise ValueError(f"steps must be one or more HamiltonianStep, got {kinds}.")
    super().__init__(validate_args=validate_args, parameters={**parameters, "steps": self.steps}, name=name)

  @classmethod
  def _parameter_properties(cls, dtype):
    of_each = lambda self, x_event_ndims: (x_event_ndims,) * len(self.steps)  # noqa: E731
    return {"steps": tfp.util.BatchedComponentProperties(event_ndims=of_each)}

  def _forward(self, x):
    for step in self.steps:
      x = step.forward(x)
    return x

  def _inverse(self, y):
    for step in reversed(self.steps):
      y = step.inverse(y)
    return y


def _broadcast(x, dt):
  """Events and steps of one batch shape: x [..., 2d] and a step for each row, [rows, 1]."""
  try:
    tf.broadcast_static_shape(x.shape[:-1], dt.shape)
  except ValueError as error:
    raise ValueError(f"dt of shape {tuple(dt.shape)} must broadcast with the batch of the events, got events of shape "
                     f"{tuple(x.shape)}.") from error
  batch = tf.broadcast_dynamic_shape(tf.shape(x)[:-1], tf.shape(dt))
  size = x.shape[-1]
  x = tf.broadcast_to(x, tf.concat([batch, [size]], 0))
  return tf.ensure_shape(x, [*[None] * max(x.shape.rank - 1, 0), size]), tf.reshape(tf.broadcast_to(dt, batch), [-1, 1])


def _parts(hamiltonian):
  """What has the variables of an energy."""
  return (hamiltonian.kinetic, hamiltonian.potential) if is_separable(hamiltonian) else (hamiltonian,)
