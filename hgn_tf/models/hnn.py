"""Hamiltonian neural networks on phase space, and their baseline (Greydanus et al., NeurIPS 2019)."""

import itertools

import keras
import tensorflow as tf

from hgn_tf.mechanics import hamiltonians
from hgn_tf.mechanics.integrate import integrate
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import ode, optimizers
from hgn_tf.models.base import Model
from hgn_tf.models.batches import is_array
from hgn_tf.models.checks import as_tensor, check_bodies, check_pairs, check_rollout, check_states, check_width
from hgn_tf.models.hnn_config import HNNConfig
from hgn_tf.networks.factors import triangular
from hgn_tf.networks.mlp import orthogonal_mlp


class VectorFieldModel(Model):
  """dx/dt = f(x) on x = (q, p), [batch, 2d] -> [batch, 2d]; `fit` takes pairs (x, dx/dt), arrays or batches.

  Args:
    config: HNNConfig, or its dict.
  """

  config_class = HNNConfig
  jit_on_gpu = False

  def time_derivative(self, x):
    """dx/dt, [batch, 2d] -> [batch, 2d].

    Raises:
      ValueError: x is not [batch, 2d].
    """
    return self(self._states(x))

  def rollout(self, state, num_steps, dt, method="rk4", **options):
    """Integrates the learned field from `state`.

    Args:
      state: PhaseSpace, each [batch, d], or x [batch, 2d].
      num_steps: int, at least 0.
      dt: time of a step, float or (not for "solve_ivp") [batch]; negative runs backward. Gradients flow to the state
        and to dt, but not through "solve_ivp".
      method: a name in `hgn_tf.INTEGRATORS`; those that need a separable energy need model "separable",
        "fixed_kinetic" or "bodies". Or "solve_ivp", which takes `options` rtol, atol and solver.
      **options: of "solve_ivp".

    Returns:
      PhaseSpace, each [batch, num_steps + 1, d], the start included; where a trajectory leaves the finite numbers, the
      states before that, with a RuntimeWarning that says when.

    Raises:
      ValueError: a state of odd width or not finite; num_steps, dt or options that the method does not take; an unknown
        method, or one that needs a separable Hamiltonian and does not get it.
    """
    x = self._states(state)
    self.build((None, x.shape[-1]))
    if method == "solve_ivp":
      check_rollout(None, num_steps, dt, None, options, ode.OPTIONS)
      states = PhaseSpace.split(tf.constant(ode.solve_ivp(self._compiled_field, x, num_steps, dt, **options)))
    else:
      check_rollout(self.dynamics, num_steps, dt, method, options)
      states = self._integrate(PhaseSpace.split(x), as_tensor(dt, x.dtype), as_tensor(num_steps, tf.int32), method)
    return ode.finite_part(states, dt)

  def _states(self, x):
    """States [batch, 2d], or a PhaseSpace of them, as a tensor of the model's dtype, checked."""
    if isinstance(x, PhaseSpace):
      x = tf.concat([as_tensor(y, self.variable_dtype) for y in x], axis=-1)
    return as_tensor(check_states(x), self.variable_dtype)

  @tf.function(reduce_retracing=True, autograph=False)
  def _compiled_field(self, x):
    return self(x)

  @tf.function(reduce_retracing=True, autograph=False)
  def _integrate(self, state, dt, num_steps, method):
    return integrate(self.dynamics, state, dt, num_steps, method)

  @property
  def dynamics(self):
    """What `hgn_tf.integrate` takes: an energy or, where there is none, a vector field."""
    return hamiltonians.Field(lambda state: PhaseSpace.split(self(state.merge())))

  def default_optimizer(self):
    return optimizers.adam(self.config, epsilon=1e-8)

  def compile(self, optimizer=None, loss="mse", **kwargs):
    """`keras.Model.compile`; by default Adam as in the config, and the mean squared error of dx/dt."""
    super().compile(optimizer, loss, **kwargs)

  def evaluate(self, x=None, y=None, *args, **kwargs):
    """`keras.Model.evaluate`; looks at arrays first."""
    if is_array(x) and not kwargs.get("_use_cached_eval_dataset"):
      self.check_batch((x, y))
    return super().evaluate(x, y, *args, **kwargs)

  def check_batch(self, batch):
    check_pairs(*keras.utils.unpack_x_y_sample_weight(batch)[:2])

  def make_net(self, inputs, outputs, name):
    """One of the model's nets, as the config has them."""
    c = self.config
    return orthogonal_mlp(inputs, c.hidden, outputs, c.activation, c.weight_decay, self.policy, name)


@keras.saving.register_keras_serializable(package="hgn_tf")
class BaselineMLP(VectorFieldModel):
  """dx/dt = MLP(x): the HNN paper's baseline, which knows no energy."""

  def __init__(self, config=HNNConfig(name="baseline", model="baseline"), **kwargs):  # noqa: B008, frozen
    super().__init__(config, **kwargs)

  def build(self, input_shape):
    """Makes the weights for states [batch, 2d]."""
    if not self.built:
      width = check_width(input_shape)
      self.net = self.make_net(width, width, "net")
      self.built = True

  def call(self, x):
    """dx/dt of states [batch, 2d]."""
    return tf.cast(self.net(tf.cast(x, self.variable_dtype)), self.variable_dtype)


@keras.saving.register_keras_serializable(package="hgn_tf")
class HNN(VectorFieldModel):
  """dx/dt = (dH/dp, -dH/dq) of a learned energy H: conserved by construction, as exactly as the integrator does.

  >>> model = HNN()
  >>> model.compile()
  >>> model.fit(x, dx, epochs=2000, batch_size=len(x))
  >>> model.rollout(x[:1], num_steps=100, dt=0.1)

  Args:
    config: HNNConfig of any model but "baseline", or its dict.
  """

  def __init__(self, config=HNNConfig(), **kwargs):  # noqa: B008, frozen
    super().__init__(config, **kwargs)
    if self.config.model == "baseline":
      raise ValueError("config.model must not be 'baseline': that is a BaselineMLP.")

  def build(self, input_shape):
    """Makes the weights for states [batch, 2d]."""
    if self.built:
      return
    width = check_width(input_shape)
    d = width // 2
    if self.config.model == "separable":
      self.kinetic_net = self.make_net(d, 1, "kinetic")
      self.potential_net = self.make_net(d, 1, "potential")
    elif self.config.model == "fixed_kinetic":
      self.potential_net = self.make_net(d, 1, "potential")
    elif self.config.model == "mass_matrix":
      self.potential_net = self.make_net(d, 1, "potential")
      self.factor_net = self.make_net(d, d * (d + 1) // 2, "factor")
    elif self.config.model == "bodies":
      self.inverse_mass = self.add_weight(shape=(), initializer="ones", name="inverse_mass")
      self.potential_net = self.make_net(1, 1, "pair_potential")
    else:
      self.net = self.make_net(width, 2 if self.config.field == "both" else 1, "energy")
    if self.config.damping:
      self.friction_logit = self.add_weight(shape=(), initializer=keras.initializers.Constant(-2.0), name="friction")
    self.built = True

  def call(self, x):
    """dx/dt of states [batch, 2d]."""
    return self._field(PhaseSpace.split(tf.cast(x, self.variable_dtype))).merge()

  def energy(self, state):
    """H up to a constant: PhaseSpace, each [..., d], or x [..., 2d] -> [...].

    Raises:
      ValueError: the model has no energy (field="conservative"), or x is of odd width.
    """
    if self.config.field == "conservative":
      raise ValueError("field='conservative' has no energy; use 'solenoidal' or 'both'.")
    if not isinstance(state, PhaseSpace):
      state = PhaseSpace.split(as_tensor(state, self.variable_dtype))
    q, p = (as_tensor(y, self.variable_dtype) for y in state)
    self.build((None, 2 * q.shape[-1]))
    flat = PhaseSpace(*(tf.reshape(y, [-1, q.shape[-1]]) for y in (q, p)))
    return tf.reshape(self.hamiltonian(flat), tf.shape(q)[:-1])

  @property
  def hamiltonian(self):
    """The energy as `hgn_tf.integrate` takes it; it has `.kinetic` and `.potential` where the model is separable."""
    if self.config.model == "separable":
      return hamiltonians.Separable(lambda p: self._scalars(self.kinetic_net, p)[:, 0], self._potential)
    if self.config.model == "fixed_kinetic":
      return hamiltonians.Separable(lambda p: hamiltonians.unit_kinetic(p) / self.config.mass, self._potential)
    if self.config.model == "mass_matrix":
      return hamiltonians.MassMatrix(lambda q: triangular(self._scalars(self.factor_net, q)), self._potential)
    if self.config.model == "bodies":
      return hamiltonians.Separable(lambda p: 0.5 * self.inverse_mass * tf.reduce_sum(p ** 2, axis=1),
                                    self._pair_potential)
    return lambda state: self._scalars(self.net, state.merge())[:, -1]

  @property
  def friction(self):
    """gamma >= 0 of dp/dt = -dH/dq - gamma dH/dp; 0 without damping."""
    return tf.nn.softplus(self.friction_logit) if self.config.damping else 0.0

  @property
  def dynamics(self):
    if self.config.damping or self.config.field != "solenoidal":
      return hamiltonians.Field(self._field)
    return self.hamiltonian

  def _potential(self, q):
    return self._scalars(self.potential_net, q)[:, 0]

  def _pair_potential(self, q):
    """The sum of v(ln |q_i - q_j|) over pairs of bodies: a net of ln r is as fine at close encounters as far away."""
    check_bodies(q.shape[-1], self.config.body_dimension)
    bodies = tf.reshape(q, [-1, q.shape[-1] // self.config.body_dimension, self.config.body_dimension])
    first, second = zip(*itertools.combinations(range(bodies.shape[1]), 2), strict=True)
    apart = tf.gather(bodies, first, axis=1) - tf.gather(bodies, second, axis=1)
    log_distance = 0.5 * tf.math.log(tf.reduce_sum(apart ** 2, axis=-1))
    energies = self._scalars(self.potential_net, tf.reshape(log_distance, [-1, 1]))
    return tf.reduce_sum(tf.reshape(energies, [-1, len(first)]), axis=1)

  def _scalars(self, net, x):
    """What a net gives, in the dtype of the state, whatever its layers compute in."""
    return tf.cast(net(x), self.variable_dtype)

  def _field(self, state):
    """Hamilton's equations, with what the config adds to them."""
    c = self.config
    dq, dp = hamiltonians.vector_field(self.hamiltonian, state) if c.field != "conservative" else (0.0, 0.0)
    if c.damping:
      dp = dp - self.friction * dq
    if c.field != "solenoidal":
      downhill = hamiltonians.gradient(lambda x: self._scalars(self.net, x)[:, 0], state.merge())
      dq, dp = (sum(pair) for pair in zip((dq, dp), PhaseSpace.split(downhill), strict=True))
    return PhaseSpace(dq, dp)


def make(config, **kwargs):
  """The model of an HNNConfig: an HNN or a BaselineMLP, with `kwargs` of `keras.Model`."""
  return (BaselineMLP if config.model == "baseline" else HNN)(config, **kwargs)
