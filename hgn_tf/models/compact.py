"""An HGN whose state is a few numbers: it learns the law, not the film."""

import keras
import tensorflow as tf

from hgn_tf import networks
from hgn_tf.mechanics.hamiltonians import Separable
from hgn_tf.mechanics.integrate import integrate
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import objectives, replicas
from hgn_tf.models.compact_config import CompactHGNConfig
from hgn_tf.models.hgn import HGN
from hgn_tf.models.objective_model import weighted_mean
from hgn_tf.models.prior import MixturePrior
from hgn_tf.networks.grids import pixel_grid


@keras.saving.register_keras_serializable(package="hgn_tf")
class CompactHGN(HGN):
  """An HGN with a vector state: z = (q, p) in R^2d at the middle of a window of frames, each q drawn pixel by pixel.

  A window of `config.context` frames at a random place of the film gives the state at its middle; the rollout goes both
  ways from there to the ends of the film. With as few numbers as the motion has, a path that shows the film has to obey
  the film's law, and goes on obeying it before and after (docs/law.md).

  Args:
    config: CompactHGNConfig, or its dict.
  """

  config_class = CompactHGNConfig

  def _build_networks(self):
    c, dtype = self.config, self.variable_dtype
    self.encoder = networks.WindowEncoder(2 * c.pairs, c.maps, c.encoder_hidden, c.log_std_offset,
                                          dtype=self.conv_policy, name="encoder")
    self.encoder.build((None, *c.seen_shape))
    self.transform = None
    self.prior = MixturePrior(c.prior_rank, c.prior_components, dtype=dtype, name="prior")
    self.prior.build((None, *c.latent_shape))
    self.potential = networks.OscillatorEnergy(c.potential_hidden, c.activation, dtype=dtype, name="potential")
    self.kinetic = networks.OscillatorEnergy(c.kinetic_hidden, c.activation, dtype=dtype, name="kinetic")
    self.decoder = networks.CoordinateDecoder(c.channels, c.units, c.decoder_hidden, dtype=dtype, name="decoder")
    for layer in (self.potential, self.kinetic, self.decoder):
      layer.build((None, *c.state_shape))

  @property
  def hamiltonian(self):
    return Separable(self.kinetic, self.potential)

  def initial_state(self, z):
    """The state at the first frame of the window whose middle has the state z = (q, p)."""
    back = self.rollout(PhaseSpace.split(z), self.config.middle, -self.config.dt)
    return PhaseSpace(*(x[:, -1] for x in back))

  def decode(self, q, size=None):
    """Frames in [0, 1] of positions, of any size: [..., d] -> [..., size, size, C].

    Args:
      q: positions.
      size: height and width; default `config.size`.
    """
    return self._over_batch(lambda x: self.decoder.image(x, size or self.config.size), q)

  # Training.

  def objective(self, frames, step, weights=None):
    c = self.config
    seeds = tf.random.split(tf.stack([c.seed, step]), 4)
    start = tf.random.stateless_uniform([], seeds[2], 0, c.num_frames - c.context + 1, tf.int32)
    mean, log_std = self._posterior(tf.gather(frames, start + tf.range(c.context), axis=1))
    z = self._draw(mean, log_std, seeds[0])
    mse = self._film_error(z, frames, step, seeds[1], start + c.middle, weights)
    kl = weighted_mean(objectives.gaussian_kl(mean, log_std), weights)
    return mse, kl, self._lagrangian(mse, kl, step)

  def _film_error(self, z, frames, step, seed, start=0, weights=None):
    """Squared error of random pixels of random frames, within a horizon around `start` that grows with the steps."""
    c = self.config
    seeds = tf.random.split(seed, 2)
    indices = self._draw_frames(tf.shape(frames)[0], step, seeds[0], start)
    targets = tf.reshape(tf.gather(frames, indices, batch_dims=1), [-1, c.size ** 2, c.channels])
    pixels, parts = self._draw_pixels(targets, seeds[1])
    if weights is not None:  # of films, for each of their frames
      parts *= tf.repeat(weights, tf.shape(indices)[1])[:, None]
    places = tf.constant(pixel_grid(c.size, c.size), targets.dtype)
    return self._pixel_error(z, indices - start, tf.gather(places, pixels), tf.gather(targets, pixels, batch_dims=1),
                             parts)

  def _draw_frames(self, rows, step, seed, start):
    """[rows, frames_per_step] of the film, one in each of so many equal parts of those within the horizon."""
    c = self.config
    reach = self.reach_at(step)
    first, last = tf.maximum(start - reach, 0), tf.minimum(start + reach, c.num_frames - 1)
    count = c.frames_per_step or c.num_frames
    draws = replicas.rows_of_replica(lambda n: tf.random.stateless_uniform([n, count], seed), rows)
    places = (tf.range(count, dtype=tf.float32) + draws) / count * tf.cast(last - first + 1, tf.float32)
    return tf.minimum(first + tf.cast(places, tf.int32), last)

  def reach_at(self, step):
    """Frames on either side of the middle of the window that a step trains."""
    c = self.config
    first, last = (part * c.steps for part in c.horizon)
    grown = tf.clip_by_value((tf.cast(step, tf.float32) - first) / (last - first), 0.0, 1.0)
    return c.nearest + tf.cast((self._longest - c.nearest) * grown, tf.int32)

  @property
  def _longest(self):
    """Frames from the middle of a window to the farther end of a film, at most."""
    c = self.config
    return max(c.num_frames - 1 - c.middle, c.num_frames - c.context + c.middle)

  def _draw_pixels(self, targets, seed):
    """(indices, weights), each [n, pixels_per_frame], of images [n, pixels, C].

    One in each of so many equal parts of the distribution; weights that make the mean over draws that over pixels.
    """
    unlike = tf.reduce_sum(tf.abs(targets - tf.reshape(self.encoder.centre, targets.shape[1:])), axis=-1)
    even = 1.0 / targets.shape[1]
    chance = 0.5 * (even + (unlike + 1e-6) / tf.reduce_sum(unlike + 1e-6, axis=1, keepdims=True))
    count = self.config.pixels_per_frame
    draws = replicas.rows_of_replica(lambda n: tf.random.stateless_uniform([n, count], seed), tf.shape(targets)[0])
    places = tf.cast((tf.range(count, dtype=tf.float32) + draws) / count, chance.dtype)
    indices = tf.minimum(tf.searchsorted(tf.cumsum(chance, axis=1), places), targets.shape[1] - 1)
    return indices, even / tf.gather(chance, indices, batch_dims=1)

  @tf.function(jit_compile=True, autograph=False)
  def _pixel_error(self, z, offsets, places, colours, weights):
    """Mean squared error of pixels of frames `offsets` [batch, k] away from the state z; both ways at once."""
    c = self.config
    state = PhaseSpace(*(tf.concat([x, x], axis=0) for x in PhaseSpace.split(z)))
    rows = tf.shape(z)[0]
    dt = tf.constant(c.dt, z.dtype) * tf.concat([tf.ones([rows], z.dtype), -tf.ones([rows], z.dtype)], axis=0)
    path = integrate(self.hamiltonian, state, dt, self._longest, c.method, adjoint="reversible").q
    on, back = tf.split(path, 2, axis=0)
    at = lambda path, index: tf.gather(path, tf.maximum(index, 0), batch_dims=1)  # noqa: E731
    q = tf.where(offsets[..., None] >= 0, at(on, offsets), at(back, -offsets))
    drawn = self.decoder(tf.reshape(q, [-1, c.pairs]), places)
    return tf.reduce_mean(tf.reduce_mean((drawn - colours) ** 2, axis=-1) * weights)
