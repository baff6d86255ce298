"""Hamiltonian neural networks on phase space, and their baseline (Greydanus et al., NeurIPS 2019)."""

import itertools

import keras
import numpy as np
import tensorflow as tf

from hgn_tf.mechanics import hamiltonians
from hgn_tf.mechanics.integrate import integrate
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import ode, optimizers
from hgn_tf.models.checks import check_bodies, check_pairs, check_states, check_width
from hgn_tf.models.hnn_config import HNNConfig
from hgn_tf.networks.mlp import orthogonal_mlp


class VectorFieldModel(keras.Model):
  """dx/dt = f(x) on x = (q, p), [batch, 2d] -> [batch, 2d]; `fit` takes pairs (x, dx/dt).

  Args:
    config: HNNConfig, or its dict.
  """

  def __init__(self, config, **kwargs):
    config = config if isinstance(config, HNNConfig) else HNNConfig.from_dict(config)
    super().__init__(**{"name": config.name, **kwargs})
    self.config = config

  def time_derivative(self, x):
    """dx/dt, [batch, 2d] -> [batch, 2d].

    Raises:
      ValueError: x is not [batch, 2d].
    """
    return self(check_states(x))

  def rollout(self, state, num_steps, dt, method="rk4", **options):
    """Integrates the learned field from `state`.

    Args:
      state: PhaseSpace, each [batch, d], or x [batch, 2d].
      num_steps: int, at least 0.
      dt: time of a step, float or (not for "solve_ivp") [batch]; negative runs backward.
      method: a name in `hgn_tf.INTEGRATORS`; the symplectic ones need model "separable" or "bodies". Or "solve_ivp",
        which takes `options` rtol, atol and solver.
      **options: of "solve_ivp".

    Returns:
      PhaseSpace, each [batch, num_steps + 1, d], the start included; where a trajectory leaves the finite numbers, the
      states before that, with a RuntimeWarning that says when.

    Raises:
      ValueError: a state of odd width or not finite; a symplectic method without a separable Hamiltonian.
    """
    state = PhaseSpace.split(check_states(state.merge() if isinstance(state, PhaseSpace) else state))
    if method == "solve_ivp":
      times = np.arange(num_steps + 1) * dt
      states = ode.solve_ivp(self._compiled_field, state.merge(), times, **options)
      states = PhaseSpace.split(tf.constant(states))
    else:
      self.build((None, 2 * state.q.shape[-1]))
      states = self._integrate(state, tf.cast(dt, state.q.dtype), tf.convert_to_tensor(num_steps), method)
    return ode.finite_part(states, dt)

  @tf.function(reduce_retracing=True)
  def _compiled_field(self, x):
    return self(x)

  @tf.function(reduce_retracing=True)
  def _integrate(self, state, dt, num_steps, method):
    return integrate(self.dynamics, state, dt, num_steps, method)

  @property
  def dynamics(self):
    """What `hgn_tf.integrate` takes: an energy or, where there is none, a vector field."""
    return hamiltonians.Field(lambda state: PhaseSpace.split(self(state.merge())))

  def compile(self, optimizer=None, loss="mse", jit_compile=False, **kwargs):
    """`keras.Model.compile`; by default Adam as in the config, and the mean squared error of dx/dt."""
    optimizer = optimizers.adam(self.config, epsilon=1e-8) if optimizer is None else optimizer
    super().compile(optimizer=optimizer, loss=loss, jit_compile=jit_compile, **kwargs)

  def fit(self, x=None, y=None, **kwargs):
    """`keras.Model.fit` on pairs: x and dx/dt as arrays [n, 2d], or a tf.data.Dataset of batches of both.

    Raises:
      ValueError: x of odd width, dx/dt of another shape than x, or arrays that are not finite.
    """
    if isinstance(x, tf.data.Dataset):
      check_pairs(*x.element_spec[:2])
    else:
      x, y = np.asarray(x, self.compute_dtype), np.asarray(y, self.compute_dtype)
      check_pairs(x, y)
    return super().fit(x, y, **kwargs)

  def get_config(self):
    return {"config": self.config.to_dict(), "name": self.name}

  def make_net(self, inputs, outputs, name):
    """One of the model's nets, as the config has them."""
    c = self.config
    return orthogonal_mlp(inputs, c.hidden, outputs, c.activation, c.weight_decay, name)


@keras.saving.register_keras_serializable(package="hgn_tf")
class BaselineMLP(VectorFieldModel):
  """dx/dt = MLP(x): the HNN paper's baseline, which knows no energy."""

  def __init__(self, config=HNNConfig(name="baseline", model="baseline"), **kwargs):  # noqa: B008, frozen
    super().__init__(config, **kwargs)

  def build(self, input_shape):
    if not self.built:
      width = check_width(input_shape)
      self.net = self.make_net(width, width, "net")
      self.built = True

  def call(self, x):
    return self.net(x)


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
    if self.built:
      return
    width = check_width(input_shape)
    if self.config.model == "separable":
      self.kinetic_net = self.make_net(width // 2, 1, "kinetic")
      self.potential_net = self.make_net(width // 2, 1, "potential")
    elif self.config.model == "bodies":
      self.inverse_mass = self.add_weight(shape=(), initializer="ones", name="inverse_mass")
      self.potential_net = self.make_net(1, 1, "pair_potential")
    else:
      self.net = self.make_net(width, 2 if self.config.field == "both" else 1, "energy")
    if self.config.damping:
      self.friction_logit = self.add_weight(shape=(), initializer=keras.initializers.Constant(-2.0), name="friction")
    self.built = True

  def call(self, x):
    return self._field(PhaseSpace.split(x)).merge()

  def energy(self, state):
    """H up to a constant: PhaseSpace, each [..., d], or x [..., 2d] -> [...].

    Raises:
      ValueError: the model has no energy (field="conservative"), or x is of odd width.
    """
    if self.config.field == "conservative":
      raise ValueError("field='conservative' has no energy; use 'solenoidal' or 'both'.")
    q, p = state if isinstance(state, PhaseSpace) else PhaseSpace.split(tf.convert_to_tensor(state, self.compute_dtype))
    self.build((None, 2 * q.shape[-1]))
    flat = PhaseSpace(*(tf.reshape(y, [-1, q.shape[-1]]) for y in (q, p)))
    return tf.reshape(self.hamiltonian(flat), tf.shape(q)[:-1])

  @property
  def hamiltonian(self):
    """The energy as `hgn_tf.integrate` takes it; it has `.kinetic` and `.potential` where the model is separable."""
    if self.config.model == "separable":
      return hamiltonians.Separable(lambda p: self.kinetic_net(p)[:, 0], lambda q: self.potential_net(q)[:, 0])
    if self.config.model == "bodies":
      return hamiltonians.Separable(lambda p: 0.5 * self.inverse_mass * tf.reduce_sum(p ** 2, axis=1),
                                    self._pair_potential)
    return lambda state: self.net(state.merge())[:, -1]

  @property
  def friction(self):
    """gamma >= 0 of dp/dt = -dH/dq - gamma dH/dp; 0 without damping."""
    return tf.nn.softplus(self.friction_logit) if self.config.damping else 0.0

  @property
  def dynamics(self):
    if self.config.damping or self.config.field != "solenoidal":
      return hamiltonians.Field(self._field)
    return self.hamiltonian

  def _pair_potential(self, q):
    """The sum of v(ln |q_i - q_j|) over pairs of bodies: a net of ln r is as fine at close encounters as far away."""
    check_bodies(q.shape[-1], self.config.body_dimension)
    bodies = tf.reshape(q, [-1, q.shape[-1] // self.config.body_dimension, self.config.body_dimension])
    first, second = zip(*itertools.combinations(range(bodies.shape[1]), 2), strict=True)
    apart = tf.gather(bodies, first, axis=1) - tf.gather(bodies, second, axis=1)
    log_distance = 0.5 * tf.math.log(tf.reduce_sum(apart ** 2, axis=-1))
    energies = self.potential_net(tf.reshape(log_distance, [-1, 1]))
    return tf.reduce_sum(tf.reshape(energies, [-1, len(first)]), axis=1)

  def _field(self, state):
    """Hamilton's equations, with what the config adds to them."""
    c = self.config
    dq, dp = hamiltonians.vector_field(self.hamiltonian, state) if c.field != "conservative" else (0.0, 0.0)
    if c.damping:
      dp = dp - self.friction * dq
    if c.field != "solenoidal":
      downhill = hamiltonians.gradient(lambda x: self.net(x)[:, 0], state.merge())
      dq, dp = (sum(pair) for pair in zip((dq, dp), PhaseSpace.split(downhill), strict=True))
    return PhaseSpace(dq, dp)


def make(config):
  """The model of an HNNConfig: an HNN or a BaselineMLP."""
  return (BaselineMLP if config.model == "baseline" else HNN)(config)
