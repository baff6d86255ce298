"""Neural Hamiltonian Flow: a density of positions whose momenta are latent (paper section 3.3, A.2)."""

import dataclasses

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from hgn_tf import networks
from hgn_tf.flows import plain
from hgn_tf.flows.bijectors import HamiltonianFlow, HamiltonianStep
from hgn_tf.flows.conditional import Conditioned
from hgn_tf.flows.distributions import SoftUniform
from hgn_tf.flows.mixture import GaussianMixture, numbers_per_component
from hgn_tf.flows.quasi_normal import quasi_normal
from hgn_tf.mechanics.hamiltonians import Separable
from hgn_tf.mechanics.integrators import get_integrator
from hgn_tf.mechanics.splitting import KICK, Splitting
from hgn_tf.models import known_density, optimizers
from hgn_tf.models.checks import check_count
from hgn_tf.models.density import DensityModel, in_chunks, new_seed
from hgn_tf.models.nhf_config import NHFConfig

tfd = tfp.distributions
_LOG_STD_LIMIT = 6.0
NUM_SAMPLES = 128  # momenta of a point, where nobody says otherwise
GAP_FACTOR = 4  # a bound's gap is its distance to that of so many times the momenta


@keras.saving.register_keras_serializable(package="hgn_tf")
class NHF(DensityModel):
  """Points are the positions q_T of a flow that carries (q_0, p_0) ~ prior through Hamilton's equations.

  The momenta p_T are integrated out by importance sampling from an encoder f(p | q) = N(mu(q), sigma(q)):
  log p(q) >= E log mean_k w_k, w_k = prior(flow^-1(q, p_k)) / f(p_k | q), tight as samples grow; one sample is the
  ELBO (eq. 6). The last kick of a step moves p alone, so it changes no density of q: the encoder describes the momenta
  before it, and only `flow` runs it.

  With `context_size=c` the potentials and the encoder see a context as well, and the density is p(q | context). With
  `joint=True` points are whole states (q_T, p_T), and log p(q, p) = log prior(flow^-1(q, p)) is exact.

  >>> model = NHF(NHFConfig())
  >>> model.fit(points)
  >>> model.log_prob(points), model.sample(1000)
  >>> posterior = NHF(NHFConfig(context_size=2))
  >>> posterior.fit((parameters, observations))
  >>> posterior.log_prob(parameters, observations), posterior.sample(1000, observations[0])

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
    seen = config.event_size + config.context_size
    of_points = self._conv_energy if config.grid else self._mlp_energy
    self.potentials = [of_points(f"potential_{i}", seen) for i in range(count)]
    make = self._mlp_energy if config.energy == "mlp" else self._quadratic
    self.kinetics = [make(f"kinetic_{i}", config.event_size) for i in range(count)]
    if config.joint:
      pass  # momenta are observed
    elif config.encoder == "mixture":
      self.mixture_net = self._mixture_net(seen)
    else:
      self.mean_net, self.log_std_net = (self._encoder_net(name, seen) for name in ("mean", "log_std"))
    self.dt = self.add_weight(shape=(config.num_steps,), initializer=keras.initializers.Constant(config.dt),
                              trainable=config.learn_dt, name="dt")
    self.hamiltonian_flow()  # refuses the wrong method now
    self.add_step_counter()
    self.build((None, self.point_size))

  @property
  def point_size(self):
    return self.config.event_size * (2 if self.config.joint else 1)

  def _mlp_energy(self, name, inputs):
    return self._scaled(networks.MLPEnergy(self.config.hidden, kernel_initializer="lecun_normal", dtype=self.policy,
                                           name=name), inputs)

  def _conv_energy(self, name, inputs):
    return self._scaled(networks.FlatGridEnergy(self.config.grid, self.config.hidden, "lecun_normal",
                                                dtype=self.policy, name=name), inputs)

  def _scaled(self, energy, inputs):
    """The energy, built, its first layer's weights scaled by the frequency."""
    c = self.config
    energy.build((None, inputs))
    first = energy.net.layers[0]
    first.kernel.assign(first.kernel * c.frequency)
    first.bias.assign(keras.initializers.RandomUniform(-1.5 * c.frequency, 1.5 * c.frequency)(
        first.bias.shape, self.variable_dtype))
    return energy

  def _quadratic(self, name, inputs):
    kinetic = networks.QuadraticKinetic(self.config.mass, dtype=self.variable_dtype, name=name)
    kinetic.build((None, inputs))
    return kinetic

  def _encoder_net(self, name, inputs, outputs=None):
    outputs = self.config.event_size if outputs is None else outputs
    net = networks.mlp(self.config.encoder_hidden, outputs, "relu", dtype=self.policy, name=name)
    net.build((None, inputs))
    return net

  def _mixture_net(self, inputs):
    """An MLP to a mixture whose components start apart."""
    c = self.config
    numbers = numbers_per_component(c.event_size)
    net = self._encoder_net("mixture", inputs, c.components * numbers)
    apart = keras.initializers.RandomNormal(stddev=1.0)((c.components, c.event_size), self.variable_dtype)
    net.layers[-1].bias.assign(tf.reshape(tf.pad(apart, [[0, 0], [0, numbers - c.event_size]]), [-1]))
    return net

  def default_optimizer(self):
    return optimizers.adam(self.config, global_clipnorm=self.config.clip_norm, beta_2=self.config.beta_2)

  # The maps.

  def hamiltonian(self, step, context=None):
    """The energy of a step, on standardised positions; context [n, c] of a conditional density."""
    i = 0 if self.config.shared else step
    potential = self.potentials[i]
    return Separable(self.kinetics[i], potential if context is None else Conditioned(
        potential, self.standardise_context(context)))

  def hamiltonian_flow(self, skip_last_kick=False, context=None):
    """The flow (q_0, p_0) -> (q_T, p_T) on standardised positions, a bijector of [..., 2d].

    Args:
      skip_last_kick: leave out the last substep where it is a kick; q_T is the same without.
      context: [n, c] of a conditional density, of events [n, ..., 2d].
    """
    dt, last = tf.unstack(tf.convert_to_tensor(self.dt)), self.config.num_steps - 1
    methods = [get_integrator(self.config.method)] * self.config.num_steps
    if skip_last_kick:
      methods[last] = _without_last_kick(methods[last])
    return HamiltonianFlow([HamiltonianStep(self.hamiltonian(i, context), dt[i], methods[i]) for i in range(last + 1)])

  def encode(self, points, context=None):
    """f(p | q) of the momenta before the last kick, a tfp distribution with event shape [d].

    Args:
      points: [batch, d].
      context: [batch, c] of a conditional density.

    Raises:
      ValueError: the model is `joint`: there is nothing to encode.
    """
    if self.config.joint:
      raise ValueError("encode takes no model with joint=True, whose momenta are observed.")
    seen = self._seen(*_pair(self.given(points, context)))
    if self.config.encoder == "mixture":
      return self._mixture(seen).distribution()
    mean, log_std = (tf.cast(net(seen), seen.dtype) for net in (self.mean_net, self.log_std_net))
    return tfd.MultivariateNormalDiag(mean, tf.exp(_LOG_STD_LIMIT * tf.tanh(log_std / _LOG_STD_LIMIT)))

  def _seen(self, points, context):
    """What the encoder sees: standardised points, and contexts beside them."""
    q = self.standardise(points)
    return q if context is None else tf.concat([q, self.standardise_context(context)], axis=-1)

  def _mixture(self, seen):
    numbers = tf.cast(self.mixture_net(seen), seen.dtype)
    return GaussianMixture(numbers, self.config.event_size, self.config.components, _LOG_STD_LIMIT)

  def _draw(self, points, noise, context):
    """Momenta [batch, num_samples, d] from the encoder, and log f of each, nats [batch, num_samples]."""
    if self.config.encoder == "mixture":
      return self._mixture(self._seen(points, context)).draw(noise)
    posterior = self.encode(points, context)
    normal = tfd.Normal(tf.zeros([], noise.dtype), 1.0)
    log_f = tf.reduce_sum(normal.log_prob(noise) - tf.math.log(posterior.stddev())[:, None], axis=-1)
    return posterior.mean()[:, None] + posterior.stddev()[:, None] * noise, log_f

  def log_weights(self, points, noise, context=None):
    """log w_k of momenta p_k = mu(q) + sigma(q) noise_k; of a mixture, from one component after another.

    Args:
      points: [batch, d].
      noise: standard normal, [batch, num_samples, d].
      context: [batch, c] of a conditional density.

    Returns:
      Nats [batch, num_samples].
    """
    noise = tf.ensure_shape(noise, [None, None, self.config.event_size])
    p, log_f = self._draw(points, noise, context)
    q = tf.ensure_shape(tf.broadcast_to(self.standardise(points)[:, None], tf.shape(p)), noise.shape)
    start = self.hamiltonian_flow(skip_last_kick=True, context=context).inverse(
        tf.ensure_shape(tf.concat([q, p], axis=-1), [None, None, 2 * self.config.event_size]))
    return self.prior.log_prob(start) - log_f - self.log_volume(points)[..., None]

  def density(self, states, context=None):
    """The exact log density of states [batch, 2d] where the model is `joint`, unchecked; nats [batch]."""
    start = self.hamiltonian_flow(context=context).inverse(self.standardise(states))
    return self.prior.log_prob(start) - self.log_volume(states)

  def generate(self, start, context=None):
    """Points [batch, d] (states [batch, 2d] where the model is `joint`) that initial states [batch, 2d] flow to."""
    end = self.hamiltonian_flow(skip_last_kick=not self.config.joint, context=context).forward(start)
    return self.restore(end[..., :self.point_size])

  # What people call.

  def elbo(self, points, context=None, *, num_samples=1, seed=None):
    """Evidence lower bound of the log density (eq. 6), averaged over momenta; nats [batch].

    Args:
      points: [batch, d]; states [batch, 2d] where the model is `joint`, whose log density is exact.
      context: [batch, c] of a conditional density, or [c] of all points.
      num_samples: momenta per point, at least 1.
      seed: int, or None for a new one at each call.

    Raises:
      ValueError: points of another shape or not finite, the same of a context, or one that is missing; num_samples
        below 1.
    """
    return self._over_samples(self._elbo, points, context, num_samples, seed)

  def log_prob(self, points, context=None, *, num_samples=NUM_SAMPLES, seed=None, return_gap=False):
    """Importance-weighted bound of the log density, exact where the model is `joint`; nats [batch].

    Momenta are spread evenly over what the encoder draws from (`flows.quasi_normal`): 128 of them give as much as 512
    that are drawn independently.

    Args:
      points: as `elbo`.
      context: as `elbo`.
      num_samples: as `elbo`.
      seed: as `elbo`.
      return_gap: also return what the bound gains by four times the momenta, nats [batch], at least 0: both from one
        draw, the bound as the mean of those of its quarters. 0 where the model is `joint`.

    Raises:
      ValueError: as `elbo`.
    """
    return self._over_samples(self._with_gap if return_gap else self._log_prob, points, context, num_samples, seed,
                              draws=GAP_FACTOR if return_gap else 1)

  def sample(self, n, context=None, seed=None):
    """`n` points [n, d] from the model; states [n, 2d] where it is `joint`.

    Args:
      n: at least 1.
      context: of a conditional density, [c], or [m, c] for n points of each, [n, m, d].
      seed: int, or None for a new one at each call.

    Raises:
      ValueError: n below 1, a context of another shape, not finite or missing.
    """
    check_count("n", n)
    contexts = self._context(context)
    if contexts is None:
      return in_chunks(lambda start, _: self._generate(start), self.prior.sample(n, seed=new_seed(seed)))
    count = tf.shape(contexts)[0]
    start = self.prior.sample(n * count, seed=new_seed(seed))
    points = in_chunks(lambda x, _: self._generate(*x), (start, tf.tile(contexts, [n, 1])))
    one = tf.convert_to_tensor(context).shape.rank == 1
    return points if one else tf.reshape(points, [n, count, self.point_size])

  def fit_to(self, log_density, *, steps=None, batch_size=None, annealing=0.5, verbose=1):
    """Trains on a density that is known up to a constant; the loss of each step, nats [steps].

    Minimises E[ln model(q, p) - ln gamma(q) - ln f(p | q)] over states of the model itself: the reverse KL over phase
    space less the logarithm of gamma's integral. It starts from a target that is flattened and comes to its own over
    the first `annealing` of the steps, for the sake of modes that are far apart.

    >>> model.fit_to(lambda x: -tf.reduce_sum(x ** 4, -1))
    >>> points, log_weights = model.importance_sample(lambda x: -tf.reduce_sum(x ** 4, -1), 1000)

    Args:
      log_density: maps points [n, d] to nats [n], differentiable; states [n, 2d] where the model is `joint`.
      steps: default those of the config.
      batch_size: likewise.
      annealing: part of the steps, 0 for none.
      verbose: 1 for a progress bar, 0 for silence, as in Keras.

    Raises:
      ValueError: a conditional model; a log density of another shape, or not finite where the model starts.
      NotFinite: the loss became NaN or infinite, with the step: an improper target does that.
    """
    return known_density.fit(self, log_density, steps, batch_size, annealing, verbose)

  def importance_sample(self, log_density, n, seed=None):
    """`n` points [n, d] and their log weights [n] for a density known up to a constant.

    mean_i w_i is an unbiased estimate of its integral, sum_i w_i g(x_i) / sum_i w_i one of the mean of g.

    Args:
      log_density: as of `fit_to`.
      n: at least 1.
      seed: int, or None for a new one at each call.
    """
    check_count("n", n)
    return known_density.importance_sample(self, log_density, n, new_seed(seed))

  def phase_bijector(self):
    """(q_0, p_0) -> (points, momenta), a tfb.Bijector of [..., 2d]: coordinates in which a sampler's target is easier.

    With `phase_log_prob` it is what `tfp.mcmc.TransformedTransitionKernel` takes.
    """
    return known_density.phase_bijector(self)

  def phase_log_prob(self, log_density):
    """ln gamma(q) + ln f(p | q) of states [..., 2d], a function: its positions are distributed as gamma.

    Args:
      log_density: as of `fit_to`.
    """
    return known_density.phase_log_prob(self, log_density)

  def call(self, x):
    """`log_prob` with one noise for all points, that of `config.seed`: a point's value does not hang on its batch."""
    x = self.inputs(x)
    if self.config.joint:
      return in_chunks(lambda chunk, _: self._density(chunk), x)
    noise = self._noise(1, NUM_SAMPLES, self._seed(0))
    return in_chunks(lambda chunk, _: self._with_noise(chunk, noise), x, NUM_SAMPLES)

  def bound(self, x, seed):
    return self._density(x) if self.config.joint else self._bound(x, self.config.train_samples, seed)

  def _over_samples(self, function, points, context, num_samples, seed, draws=1):
    check_count("num_samples", num_samples)
    x, seed, count = self.given(points, context), new_seed(seed), tf.cast(num_samples, tf.int32)
    if self.config.joint:
      value = in_chunks(lambda chunk, _: self._density(chunk), x)
      return (value, tf.zeros_like(value)) if draws > 1 else value
    known = draws * (tf.get_static_value(num_samples) or 1)
    return in_chunks(lambda chunk, i: function(chunk, count, seed + tf.stack([i, 0])), x, known)

  @tf.function(reduce_retracing=True, autograph=False)
  def _elbo(self, x, num_samples, seed):
    return tf.reduce_mean(self._weights(x, self._spread(x, num_samples, seed)), axis=1)

  @tf.function(reduce_retracing=True, autograph=False)
  def _bound(self, x, num_samples, seed):
    return average_weight(self._weights(x, self._noise(_rows(x), num_samples, seed)))

  @tf.function(reduce_retracing=True, autograph=False)
  def _log_prob(self, x, num_samples, seed):
    return average_weight(self._weights(x, self._spread(x, num_samples, seed)))

  @tf.function(reduce_retracing=True, autograph=False)
  def _with_gap(self, x, num_samples, seed):
    draws = tf.stack([GAP_FACTOR * _rows(x), num_samples, self.config.event_size])
    noise = tf.reshape(self._spread(x, GAP_FACTOR * num_samples, seed), draws)
    x = tf.nest.map_structure(lambda values: tf.repeat(values, GAP_FACTOR, axis=0), x)
    quarters = tf.reshape(average_weight(self._weights(x, noise)), [-1, GAP_FACTOR])
    value = tf.reduce_mean(quarters, axis=1)
    return value, average_weight(quarters) - value

  @tf.function(reduce_retracing=True, autograph=False)
  def _density(self, x):
    return self.density(*_pair(x))

  @tf.function(reduce_retracing=True, autograph=False)
  def _generate(self, start, context=None):
    return self.generate(start, context)

  @tf.function(reduce_retracing=True, autograph=False)
  def _with_noise(self, x, noise):
    return average_weight(self._weights(x, tf.repeat(noise, _rows(x), axis=0)))

  def _weights(self, x, noise):
    points, context = _pair(x)
    return self.log_weights(points, noise, context)

  def _spread(self, x, num_samples, seed):
    """Noise that is spread evenly, among the components of a mixture too: means over it err less."""
    c = self.config
    strata = c.components if c.encoder == "mixture" else 1
    return quasi_normal(_rows(x), num_samples, c.event_size, seed, strata, self.variable_dtype)

  def _noise(self, rows, num_samples, seed):
    shape = tf.stack([rows, num_samples, self.config.event_size])
    return tf.random.stateless_normal(shape, seed, dtype=self.variable_dtype)

  def get_config(self):
    return {**super().get_config(), **({"prior": plain.to_plain("prior", self.prior)} if self._own_prior else {})}


def _pair(x):
  """(points, context or None)."""
  return x if isinstance(x, tuple) else (x, None)


def _rows(x):
  return tf.shape(_pair(x)[0])[0]


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
