"""Neural Hamiltonian Flow: a density of positions whose momenta are latent (paper section 3.3, A.2)."""

import dataclasses

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from hgn_tf import networks
from hgn_tf.flows import plain
from hgn_tf.flows.bijectors import HamiltonianFlow, HamiltonianStep
from hgn_tf.flows.distributions import SoftUniform
from hgn_tf.mechanics.hamiltonians import Separable
from hgn_tf.mechanics.integrators import get_integrator
from hgn_tf.mechanics.splitting import KICK, Splitting
from hgn_tf.models.checks import check_count
from hgn_tf.models.density import DensityModel, in_chunks, new_seed
from hgn_tf.models.nhf_config import NHFConfig

tfd = tfp.distributions
_LOG_STD_LIMIT = 6.0
NUM_SAMPLES = 128  # momenta of a point, where nobody says otherwise


@keras.saving.register_keras_serializable(package="hgn_tf")
class NHF(DensityModel):
  """Points are the positions q_T of a flow that carries (q_0, p_0) ~ prior through Hamilton's equations.

  The momenta p_T are integrated out by importance sampling from an encoder f(p | q) = N(mu(q), sigma(q)):
  log p(q) >= E log mean_k w_k, w_k = prior(flow^-1(q, p_k)) / f(p_k | q), tight as samples grow; one sample is the
  ELBO (eq. 6). The last kick of a step moves p alone, so it changes no density of q: the encoder describes the momenta
  before it, and only `flow` runs it.

  >>> model = NHF(NHFConfig())
  >>> model.fit(points)
  >>> model.log_prob(points), model.sample(1000)

  Args:
    config: NHFConfig, or its dict.
    prior: a tfp distribution with event shape [2d] in place of `config.prior`, or what `flows.plain.to_plain` made of
      one; saved with the model.

  Raises:
    ValueError: a prior of another event shape or dtype, or a method that is not symplectic; when saved, a prior that
      plain data cannot describe.
  """

  config_class = NHFConfig

  def __init__(self, config=NHFConfig(), prior=None, **kwargs):  # noqa: B008, frozen
    super().__init__(config, **kwargs)
    config = self.config
    self._own_prior = prior is not None
    self.prior = plain.from_plain(prior) if isinstance(prior, dict) else prior
    if prior is None:
      self.prior = make_prior(config, self.variable_dtype)
    if self.prior.dtype != self.variable_dtype:
      raise ValueError(f"prior must have the dtype of the model, {self.variable_dtype}, got {self.prior.dtype.name}.")
    if tuple(self.prior.event_shape) != (2 * config.event_size,):
      raise ValueError(f"prior must have event shape [{2 * config.event_size}], positions and momenta, "
                       f"got {tuple(self.prior.event_shape)}.")
    count = 1 if config.shared else config.num_steps
    self.potentials = [self._mlp_energy(f"potential_{i}") for i in range(count)]
    make = self._mlp_energy if config.energy == "mlp" else self._quadratic
    self.kinetics = [make(f"kinetic_{i}") for i in range(count)]
    self.mean_net, self.log_std_net = (self._encoder_net(name) for name in ("mean", "log_std"))
    self.dt = self.add_weight(shape=(config.num_steps,), initializer=keras.initializers.Constant(config.dt),
                              trainable=config.learn_dt, name="dt")
    self.hamiltonian_flow()  # refuses the wrong method now
    self.add_step_counter()
    self.build((None, config.event_size))

  def _mlp_energy(self, name):
    c = self.config
    energy = networks.MLPEnergy(c.hidden, kernel_initializer="lecun_normal", dtype=self.policy,
                                name=name)
    energy.build((None, c.event_size))
    first = energy.net.layers[0]
    first.kernel.assign(first.kernel * c.frequency)
    first.bias.assign(keras.initializers.RandomUniform(-1.5 * c.frequency, 1.5 * c.frequency)(
        first.bias.shape, self.variable_dtype))
    return energy

  def _quadratic(self, name):
    kinetic = networks.QuadraticKinetic(self.config.mass, dtype=self.variable_dtype, name=name)
    kinetic.build((None, self.config.event_size))
    return kinetic

  def _encoder_net(self, name):
    net = networks.mlp(self.config.encoder_hidden, self.config.event_size, "relu", dtype=self.policy, name=name)
    net.build((None, self.config.event_size))
    return net

  # The maps.

  def hamiltonian(self, step):
    """The energy of a step, on standardised positions."""
    i = 0 if self.config.shared else step
    return Separable(self.kinetics[i], self.potentials[i])

  def hamiltonian_flow(self, skip_last_kick=False):
    """The flow (q_0, p_0) -> (q_T, p_T) on standardised positions, a bijector of [..., 2d].

    Args:
      skip_last_kick: leave out the last substep where it is a kick; q_T is the same without.
    """
    dt, last = tf.unstack(tf.convert_to_tensor(self.dt)), self.config.num_steps - 1
    methods = [get_integrator(self.config.method)] * self.config.num_steps
    if skip_last_kick:
      methods[last] = _without_last_kick(methods[last])
    return HamiltonianFlow([HamiltonianStep(self.hamiltonian(i), dt[i], methods[i]) for i in range(last + 1)])

  def encode(self, points):
    """f(p | q) of the momenta before the last kick, a tfp distribution with event shape [d]; points [batch, d]."""
    q = self.standardise(self._points(points))
    mean, log_std = (tf.cast(net(q), q.dtype) for net in (self.mean_net, self.log_std_net))
    return tfd.MultivariateNormalDiag(mean, tf.exp(_LOG_STD_LIMIT * tf.tanh(log_std / _LOG_STD_LIMIT)))

  def log_weights(self, points, noise):
    """log w_k of momenta p_k = mu(q) + sigma(q) noise_k.

    Args:
      points: [batch, d].
      noise: standard normal, [batch, num_samples, d].

    Returns:
      Nats [batch, num_samples].
    """
    posterior = self.encode(points)
    noise = tf.ensure_shape(noise, [None, None, self.config.event_size])
    p = posterior.mean()[:, None] + posterior.stddev()[:, None] * noise
    normal = tfd.Normal(tf.zeros([], noise.dtype), 1.0)
    log_f = tf.reduce_sum(normal.log_prob(noise) - tf.math.log(posterior.stddev())[:, None], axis=-1)
    q = tf.ensure_shape(tf.broadcast_to(self.standardise(points)[:, None], tf.shape(p)), noise.shape)
    start = self.hamiltonian_flow(skip_last_kick=True).inverse(
        tf.ensure_shape(tf.concat([q, p], axis=-1), [None, None, 2 * self.config.event_size]))
    return self.prior.log_prob(start) - log_f - self.log_volume

  def generate(self, start):
    """Points [batch, d] that initial states [batch, 2d] flow to."""
    end = self.hamiltonian_flow(skip_last_kick=True).forward(start)
    return self.restore(end[..., :self.config.event_size])

  # What people call.

  def elbo(self, points, num_samples=1, seed=None):
    """Evidence lower bound of the log density (eq. 6), averaged over momenta; nats [batch].

    Args:
      points: [batch, d].
      num_samples: momenta per point, at least 1.
      seed: int, or None for a new one at each call.

    Raises:
      ValueError: points of another shape or not finite, num_samples below 1.
    """
    return self._over_samples(self._elbo, points, num_samples, seed)

  def log_prob(self, points, num_samples=NUM_SAMPLES, seed=None):
    """Importance-weighted bound of the log density; nats [batch]. Arguments as `elbo`."""
    return self._over_samples(self._log_prob, points, num_samples, seed)

  def sample(self, n, seed=None):
    """`n` points [n, d] from the model.

    Raises:
      ValueError: n below 1.
    """
    check_count("n", n)
    seed = new_seed(seed)
    return in_chunks(lambda start, _: self._generate(start), self.prior.sample(n, seed=seed))

  def call(self, points):
    """`log_prob` with one noise for all points, that of `config.seed`: a point's value does not hang on its batch."""
    noise = self._noise(1, NUM_SAMPLES, self._seed(0))
    return in_chunks(lambda chunk, _: self._with_noise(chunk, noise), self._points(points), NUM_SAMPLES)

  def bound(self, points, seed):
    return self._log_prob(points, self.config.train_samples, seed)

  def _over_samples(self, function, points, num_samples, seed):
    check_count("num_samples", num_samples)
    points, seed, count = self._points(points), new_seed(seed), tf.cast(num_samples, tf.int32)
    known = tf.get_static_value(num_samples) or 1
    return in_chunks(lambda chunk, i: function(chunk, count, seed + tf.stack([i, 0])), points, known)

  @tf.function(reduce_retracing=True, autograph=False)
  def _elbo(self, points, num_samples, seed):
    return tf.reduce_mean(self.log_weights(points, self._noise(tf.shape(points)[0], num_samples, seed)), axis=1)

  @tf.function(reduce_retracing=True, autograph=False)
  def _log_prob(self, points, num_samples, seed):
    return average_weight(self.log_weights(points, self._noise(tf.shape(points)[0], num_samples, seed)))

  @tf.function(reduce_retracing=True, autograph=False)
  def _generate(self, start):
    return self.generate(start)

  @tf.function(reduce_retracing=True, autograph=False)
  def _with_noise(self, points, noise):
    return average_weight(self.log_weights(points, tf.repeat(noise, tf.shape(points)[0], axis=0)))

  def _noise(self, rows, num_samples, seed):
    shape = tf.stack([rows, num_samples, self.config.event_size])
    return tf.random.stateless_normal(shape, seed, dtype=self.variable_dtype)

  def get_config(self):
    return {**super().get_config(), **({"prior": plain.to_plain("prior", self.prior)} if self._own_prior else {})}


def average_weight(log_weights):
  """log mean_k w_k of log w [batch, num_samples]; nats [batch]."""
  count = tf.cast(tf.shape(log_weights)[1], log_weights.dtype)
  return tf.reduce_logsumexp(log_weights, axis=1) - tf.math.log(count)


def make_prior(config, dtype="float32"):
  """The prior over (q_0, p_0) that a config names."""
  number = lambda x: tf.constant(x, dtype)  # noqa: E731
  if config.prior == "normal":
    return tfd.Sample(tfd.Normal(number(0.0), number(1.0)), 2 * config.event_size)
  return tfd.Sample(SoftUniform(number(config.prior_width), number(config.prior_sharpness)), 2 * config.event_size)


def _without_last_kick(integrator):
  if not isinstance(integrator, Splitting) or integrator.substeps[-1][0] != KICK:
    return integrator
  return dataclasses.replace(integrator, name=f"{integrator.name}_to_q", substeps=integrator.substeps[:-1])
