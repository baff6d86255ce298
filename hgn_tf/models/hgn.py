"""Hamiltonian Generative Network (Toth et al., ICLR 2020)."""

import math

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from hgn_tf import networks
from hgn_tf.mechanics.hamiltonians import Joint, MassMatrix, Separable, unit_kinetic
from hgn_tf.mechanics.integrate import integrate
from hgn_tf.mechanics.integrators import get_integrator
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import objectives, replicas
from hgn_tf.models.checks import as_tensor, check_count, check_frames, check_rollout
from hgn_tf.models.hgn_config import HGNConfig
from hgn_tf.models.objective_model import ObjectiveModel, weighted_mean
from hgn_tf.models.prior import MixturePrior
from hgn_tf.networks import precision
from hgn_tf.networks.chunks import in_chunks

_LEAST_STD = 0.01  # of frames: those of a still picture are not blown up
_CHUNK = 256  # frames decoded at a time where nothing is trained: memory does not grow with the length of a rollout


@keras.saving.register_keras_serializable(package="hgn_tf")
class HGN(ObjectiveModel):
  """Frames to a posterior over z, z to a state (q, p), the state through Hamilton's equations, every q to a frame.

  q(z|x) = N(mean, std); (q_0, p_0) = f_psi(z); H = K(p) + V(q), or as `config.energy_kind` has it; (q_t, p_t) by
  `config.method`; x_t = decoder(q_t).
  `fit` takes batches of frames, float32 [batch, T + 1, H, W, C] in [0, 1], and weights of films as `sample_weight`.
  Paper section 3 and A.1.

  Args:
    config: HGNConfig, or its dict.
  """

  config_class = HGNConfig
  figures = ("loss", "mse", "kl")
  has_energy = True

  def __init__(self, config, **kwargs):
    super().__init__(config, **kwargs)
    get_integrator(self.config.method)
    self._build_networks()
    self.multiplier = self.add_weight(name="multiplier", trainable=False,
                                      initializer=keras.initializers.Constant(self.config.multiplier))
    self.constraint = self.add_weight(name="constraint", initializer="zeros", trainable=False)
    self.add_step_counter()
    self.build((None, *self.config.frame_shape))

  def build(self, input_shape):
    """All weights are there from the start."""

  @property
  def conv_policy(self):
    """Keras dtype policy of encoder and decoder: that of the model or, where it is plain float32, of the config."""
    return precision.policy(self.config.precision) if self.policy == "float32" else self.policy

  @property
  def clip_norm(self):
    """What the norm of the gradient is clipped to, None for no clipping."""
    return self.config.clip_norm

  def _build_networks(self):
    c = self.config
    self.encoder = self._make_encoder()
    self.encoder.build((None, *c.seen_shape))
    self.transform = self._make_transform()
    self.prior = MixturePrior(self._prior_rank(), c.prior_components, dtype=self.variable_dtype, name="prior")
    self.prior.build((None, *c.latent_shape))
    energies = self._make_energies()
    self.decoder = self._make_decoder()
    for layer, shape in (*energies, (self.decoder, c.state_shape)):
      layer.build((None, *shape))

  def _make_encoder(self):
    c = self.config
    return networks.Encoder(c.encoder, c.log_std_offset, c.kernel_initializer, dtype=self.conv_policy, name="encoder")

  def _make_transform(self):
    """f_psi, or None."""
    c = self.config
    return networks.conv_stack(c.transform, "relu", c.kernel_initializer, c.latent_shape, self.variable_dtype,
                               "transform") if c.transform else None

  def _prior_rank(self):
    return min(self.config.prior_rank, math.prod(self.config.latent_shape) - 1)

  def _make_decoder(self):
    c = self.config
    make = networks.Decoder if c.decoder == "constant" else networks.ResidualDecoder
    return make(c.decoder_filters, c.channels, kernel_initializer=c.kernel_initializer, dtype=self.conv_policy,
                name="decoder")

  def _make_energies(self):
    """The nets that H is made of, and the shape of what each takes."""
    c = self.config
    *grid, d = c.state_shape
    if c.energy_kind == "joint":
      self.joint = self._energy("joint")
      return [(self.joint, (*grid, 2 * d))]
    self.potential = self._energy("potential")
    layers = [self.potential]
    if c.energy_kind == "separable":
      self.kinetic = self._energy("kinetic")
      layers.append(self.kinetic)
    elif c.energy_kind == "mass_matrix":
      self.factor = self._factor()
      layers.append(self.factor)
    return [(layer, c.state_shape) for layer in layers]

  def _energy(self, name):
    return networks.ConvEnergy(self.config.energy, self.config.energy_residual, self.variable_dtype, name=name)

  def _factor(self):
    return networks.CholeskyFactor(self.config.factor_hidden, dtype=self.variable_dtype, name="factor")

  # The four maps.

  def encode(self, frames):
    """q(z | frames), a tfp Independent Normal with the event shape of z, `config.latent_shape`.

    Raises:
      ValueError: frames of another shape or dtype, or (when eager) not finite or outside [0, 1].
    """
    return self._gaussian(self._posterior(self.check_seen(frames)))

  def _gaussian(self, posterior):
    mean, log_std = posterior
    return tfp.distributions.Independent(tfp.distributions.Normal(mean, tf.exp(log_std)), len(self.config.latent_shape))

  def check_seen(self, frames):
    """Frames that a state can be inferred from, as a tensor."""
    return self.inputs(frames)

  def _posterior(self, frames):
    """Mean and log std of z, from the frames that the encoder sees."""
    return self.encoder(frames[:, :self.config.seen_shape[0]])

  def initial_state(self, z):
    """(q_0, p_0) = f_psi(z), each [batch, *config.state_shape]."""
    return PhaseSpace.split(z if self.transform is None else self.transform(z))

  def rollout(self, state, num_steps, dt=None):
    """Hamilton's equations from `state`; PhaseSpace, each [batch, num_steps + 1, ...], the start included.

    Args:
      state: PhaseSpace, each [batch, *config.state_shape].
      num_steps: int or int32 scalar, at least 0.
      dt: time of a step, float or [batch]; negative runs backward; default `config.dt`.
    """
    dt = self.config.dt if dt is None else dt
    check_rollout(self.hamiltonian, num_steps, dt, self.config.method)
    return integrate(self.dynamics(dt), state, dt, num_steps, self.config.method)

  def dynamics(self, dt):
    """What moves a state in steps of `dt`, as `hgn_tf.integrate` takes it: the energy."""
    del dt
    return self.hamiltonian

  @property
  def hamiltonian(self):
    """The energy as `hgn_tf.integrate` takes it, in the form that is fastest to roll out."""
    return self.hamiltonian_of(lambda energy: energy.dense())

  def hamiltonian_of(self, form):
    """The energy, each of whose scalar nets is replaced by `form` of it."""
    kind = self.config.energy_kind
    if kind == "joint":
      return Joint(form(self.joint))
    if kind == "mass_matrix":
      return MassMatrix(self.factor, form(self.potential))
    return Separable(form(self.kinetic) if kind == "separable" else unit_kinetic, form(self.potential))

  def decode(self, q):
    """Frames in [0, 1] of positions: [..., *config.state_shape] -> [..., H, W, C]."""
    return self._over_batch(self.decoder, q)

  def energy(self, state):
    """H; [batch, ...] for states [batch, ..., *config.state_shape]. Its scale is arbitrary.

    Raises:
      ValueError: the model has no energy (`has_energy`).
    """
    if not self.has_energy:
      raise ValueError(f"{self.config.name!r}, a {type(self).__name__}, has no energy: what moves it is no gradient.")
    flat = PhaseSpace(*(tf.reshape(x, [-1, *self.config.state_shape]) for x in state))
    axes = len(self.config.state_shape)
    return tf.reshape(self.hamiltonian_of(lambda energy: energy)(flat), tf.shape(state.q)[:-axes])

  def _over_batch(self, function, x):
    """`function` of [n, *state_shape] on x [..., *state_shape]: what it makes of each state, [..., *]."""
    axes = len(self.config.state_shape)
    y = function(tf.reshape(x, [-1, *self.config.state_shape]))
    return tf.reshape(y, tf.concat([tf.shape(x)[:-axes], tf.shape(y)[1:]], 0))

  def infer(self, frames):
    """The state that a rollout starts from: f_psi of the posterior's mean; PhaseSpace."""
    return self.initial_state(self.encode(frames).mean())

  def render(self, states):
    """Frames of a PhaseSpace, each [..., *config.state_shape]; only q is drawn."""
    return self.decode(states.q)

  # What people call.

  def reconstruct(self, frames, num_steps=None, dt=None):
    """Frames rolled out from the mean of the posterior; [batch, num_steps + 1, H, W, C].

    Args:
      frames: float32 [batch, T + 1, H, W, C] in [0, 1].
      num_steps: default T.
      dt: as in `rollout`.
    """
    return self.generate(self.encode(frames).mean(), num_steps, dt)

  def sample(self, n, num_steps=None, dt=None, seed=None):
    """`n` sequences from the prior, N(0, 1) or what `fit_prior` made of it; [n, num_steps + 1, H, W, C].

    Args:
      n: number of sequences.
      num_steps: default T.
      dt: as in `rollout`.
      seed: int, or None for a new one at each call.
    """
    check_count("n", n)
    seed = tfp.random.sanitize_seed(None) if seed is None else tf.constant([seed, 0])
    noise = tf.random.stateless_normal([n, *self.config.latent_shape], seed, dtype=self.variable_dtype)
    return self.generate(self.prior(noise), num_steps, dt)

  def fit_prior(self, batches):
    """Makes the prior a mixture of Gaussians through the posterior means of films (see `MixturePrior`).

    Args:
      batches: iterable of frames as `fit` takes them, or one array of films; 4,000 films fill the default mixture.
    """
    if len(getattr(batches, "shape", ())) == 1 + len(self.config.frame_shape):
      batches = [batches[i:i + _CHUNK] for i in range(0, len(batches), _CHUNK)]
    batches = (batch[0] if isinstance(batch, tuple) else batch for batch in batches)
    self.prior.fit(np.concatenate([self.encode(frames).mean() for frames in batches]))

  def generate(self, z, num_steps=None, dt=None):
    """Frames of the trajectory that starts at `z`; [batch, num_steps + 1, H, W, C]."""
    num_steps = self.config.num_frames - 1 if num_steps is None else num_steps
    dt = self.config.dt if dt is None else dt
    check_rollout(None, num_steps, dt, None)
    dt = as_tensor(dt, self.variable_dtype)
    dt = tf.fill(tf.shape(z)[:1], dt) if dt.shape.rank == 0 else dt  # one trace for both
    return self._generate(z, as_tensor(num_steps, tf.int32), dt)

  @tf.function(reduce_retracing=True, autograph=False)
  def _generate(self, z, num_steps, dt):
    q = self.rollout(self.initial_state(z), num_steps, dt).q
    frames = in_chunks(self.decode, tf.reshape(q, [-1, *q.shape[2:]]), _CHUNK)
    return tf.reshape(frames, tf.concat([tf.shape(q)[:2], tf.shape(frames)[1:]], 0))

  def call(self, frames):
    """The reconstruction of films of `config.num_frames`, from the mean of the posterior."""
    return self.render(self.rollout(self.infer(frames), self.config.num_frames - 1))

  # Training.

  def inputs(self, x):
    return check_frames(x, self.config.frame_shape, self.variable_dtype)

  def films_of(self, x):
    """The films of what `inputs` gives."""
    return x

  def posterior_of(self, x):
    """Mean and log std of z, from what `inputs` gives."""
    return self._posterior(x)

  def before_step(self, x, step):
    self._prepare_encoder(self.films_of(x), step)

  def step_losses(self, x, weights, step):
    mse, kl, loss = self.objective(x, step, weights)
    return loss, dict(loss=loss, mse=mse, kl=kl)

  def after_step(self, figures):
    if not self.config.deterministic:
      self._update_multiplier(replicas.mean(figures["mse"]))

  def _prepare_encoder(self, frames, step):
    """Widens the posterior on schedule; centres the frames by the first batch.

    The mean is taken at every step and kept at the first: replicas cannot meet inside of a tf.cond.
    """
    c = self.config
    self.encoder.log_std_offset.assign(c.log_std_offset * (1.0 - rise(c.log_std_rise, step, 0.0)))
    if c.centre_frames:
      first = lambda new, weight: weight.assign(tf.where(step == 0, new, tf.convert_to_tensor(weight)))  # noqa: E731
      centre = replicas.mean(tf.reduce_mean(frames, axis=(0, 1)))
      variance = replicas.mean(tf.reduce_mean((frames - centre) ** 2))
      first(centre, self.encoder.centre)
      first(1.0 / tf.maximum(tf.sqrt(variance), _LEAST_STD), self.encoder.scale)

  def test_losses(self, x, weights):
    frames, (mean, log_std) = self.films_of(x), self.posterior_of(x)
    mse = objectives.squared_error(self(x), frames, film_weights=weights)
    return dict(loss=mse, mse=mse, kl=weighted_mean(objectives.gaussian_kl(mean, log_std), weights))

  def objective(self, frames, step, weights=None):
    """(mse, kl in nats, loss) of a batch at a training step; random numbers come from (config.seed, step).

    Args:
      frames: [batch, T + 1, H, W, C].
      step: int32 scalar.
      weights: of the films, [batch] with a mean of 1, or None.
    """
    seeds = tf.random.split(tf.stack([self.config.seed, step]), 2)
    mean, log_std = self._posterior(frames)
    q = self.rollout(self.initial_state(self._draw(mean, log_std, seeds[0])), self.config.num_frames - 1).q
    mse = self._film_error(q, frames, step, seeds[1], weights=weights)
    kl = weighted_mean(objectives.gaussian_kl(mean, log_std), weights)
    return mse, kl, self._lagrangian(mse, kl, step)

  def _draw(self, mean, log_std, seed):
    """z of a training step."""
    return mean if self.config.deterministic else mean + tf.exp(log_std) * _noise(mean, seed)

  def _lagrangian(self, mse, kl, step):
    """(multiplier * (mse - kappa) + kl / pixels of a sequence) * pixels of a frame / multiplier.

    GECO's over its multiplier, so that the size of the gradient does not follow the multiplier.
    """
    c = self.config
    pixels = c.size * c.size * c.channels
    share = tf.cast(rise(c.kl_warmup, step, 1.0), kl.dtype)
    kl_per_pixel = 0.0 if c.deterministic else share * kl / (c.num_frames * pixels)
    multiplier = 1.0 if c.deterministic else tf.convert_to_tensor(self.multiplier)
    return objectives.geco_loss(mse, kl_per_pixel, multiplier, c.kappa) * pixels / multiplier

  def _film_error(self, q, frames, step, seed, start=0, weights=None):
    """Squared error of a random subset of frames, within a horizon around `start` that grows with the steps."""
    c, num_frames = self.config, frames.shape[1]
    horizon = 2 + step // c.horizon_steps if c.horizon_steps else num_frames
    near = tf.abs(tf.range(num_frames) - start) < horizon
    if c.frames_per_step is None:
      wanted = tf.broadcast_to(tf.cast(near, frames.dtype), tf.shape(frames)[:2])
    else:
      keys = replicas.rows_of_replica(
          lambda rows: tf.random.stateless_uniform([rows, num_frames], seed), tf.shape(frames)[0])
      indices, wanted = objectives.draw_frames(keys, c.frames_per_step, near)
      q, frames = (tf.gather(x, indices, batch_dims=1) for x in (q, frames))
    return objectives.squared_error(self.decode(q), frames, tf.cast(wanted, frames.dtype), weights)

  def _update_multiplier(self, mse):
    c = self.config
    multiplier, constraint = objectives.geco_update(
        tf.convert_to_tensor(self.multiplier), tf.convert_to_tensor(self.constraint), mse, kappa=c.kappa,
        rate=c.multiplier_rate, decay=c.multiplier_decay, bounds=c.multiplier_bounds)
    self.multiplier.assign(multiplier)
    self.constraint.assign(constraint)

  def _track(self, figures, count):
    return replicas.loggable({**super()._track(figures, count), "multiplier": self.multiplier})


def rise(steps, step, default):
  """0 before the first of `steps`, 1 after the last, linear between; `default` where there are none."""
  if steps is None:
    return default
  first, last = steps
  return tf.clip_by_value((tf.cast(step, tf.float32) - first) / (last - first), 0.0, 1.0)


def _noise(x, seed):
  """Standard normal numbers of the shape of x, whose rows do not depend on how the batch is spread over devices."""
  draw = lambda rows: tf.random.stateless_normal([rows, *x.shape[1:]], seed, dtype=x.dtype)  # noqa: E731
  return replicas.rows_of_replica(draw, tf.shape(x)[0])
