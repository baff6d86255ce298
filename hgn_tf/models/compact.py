"""An HGN whose state is a few numbers: it learns the law, not the film."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from hgn_tf import networks
from hgn_tf.mechanics.integrate import integrate
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.mechanics.port_hamiltonian import PortHamiltonian
from hgn_tf.models import objectives, replicas
from hgn_tf.models.compact_config import CompactHGNConfig
from hgn_tf.models.objective_model import weighted_mean
from hgn_tf.models.window import WindowHGN
from hgn_tf.networks.grids import pixel_grid

_LINE_SEARCH = 5  # evaluations: near the end single precision gives no step that satisfies Wolfe's conditions


@keras.saving.register_keras_serializable(package="hgn_tf")
class CompactHGN(WindowHGN):
  """An HGN whose state has as few numbers as its motion, each q drawn pixel by pixel.

  A window of `config.context` frames at a random place of the film gives the state at its middle; the rollout goes both
  ways from there to the ends of the film. With as few numbers as the motion has, a path that shows the film has to obey
  the film's law, and goes on obeying it before and after (docs/law.md).

  Args:
    config: CompactHGNConfig, or its dict.
  """

  config_class = CompactHGNConfig

  def _make_encoder(self):
    c = self.config
    return networks.WindowEncoder(2 * c.pairs, c.maps, c.encoder_hidden, c.log_std_offset, dtype=self.conv_policy,
                                  name="encoder")

  def _make_decoder(self):
    c = self.config
    return networks.CoordinateDecoder(c.channels, c.units, c.decoder_hidden, dtype=self.variable_dtype, name="decoder")

  def _make_energies(self):
    c, layers = self.config, super()._make_energies()
    if c.damping:
      self.friction = networks.Friction(c.damping_hidden, c.activation, gain=c.energy_gain, dtype=self.variable_dtype,
                                        name="friction")
      layers.append((self.friction, c.state_shape))
    return layers

  def _energy(self, name):
    c = self.config
    hidden, radii = (c.kinetic_hidden, 0) if name == "kinetic" else (c.potential_hidden, c.radii)
    return networks.OscillatorEnergy(hidden, radii, c.energy_gain, c.activation, dtype=self.variable_dtype, name=name)

  def _factor(self):
    c = self.config
    return networks.CholeskyFactor(c.factor_hidden, c.activation, c.energy_gain, dtype=self.variable_dtype,
                                   name="factor")

  @property
  def hamiltonian(self):
    return self.hamiltonian_of(lambda energy: energy)

  def hamiltonian_of(self, form):
    if self.config.damping:
      return PortHamiltonian(form(self.potential), self.friction)
    return super().hamiltonian_of(form)

  def infer(self, frames, refine=0):
    """The state at the first frame: the encoder's, then refined by how well its rollout shows all frames given.

    Args:
      frames: float32 [batch, T + 1, H, W, C] in [0, 1], at least `config.context` in time.
      refine: iterations of L-BFGS on the squared error of all frames (data assimilation); 0: the encoder's own.

    Returns:
      PhaseSpace, each [batch, d].
    """
    z = self.encode(frames).mean()
    return self.initial_state(self.refine(z, frames, refine) if refine else z)

  @tf.function(autograph=False)
  def refine(self, z, frames, iterations):
    """z [batch, 2d] nearer to what minimises the squared error of the rollout over `frames`, by L-BFGS.

    The error is that of `config.pixels_per_frame` pixels of each frame, drawn as in training.

    Args:
      z: where to begin.
      frames: [batch, T + 1, H, W, C].
      iterations: at most so many.
    """
    c = self.config
    length = frames.shape[1]
    places, colours, weights = self._sample_pixels(frames, tf.constant([c.seed, 0]))

    def error(z):
      state = PhaseSpace.split(z)
      back, on = self._positions(state, c.middle, -c.dt), self._positions(state, length - 1 - c.middle, c.dt)
      drawn = self.decoder(tf.reshape(tf.concat([back[:, :0:-1], on], axis=1), [-1, c.pairs]), places)
      errors = tf.reduce_mean(tf.reduce_mean((drawn - colours) ** 2, axis=-1) * weights, axis=-1)
      return tf.reduce_mean(tf.reshape(errors, [-1, length]), axis=1) * self.encoder.scale ** 2

    slope = tf.function(lambda z: tfp.math.value_and_gradient(error, z), autograph=False,
                        experimental_attributes={"_noinline": True})  # traced and optimised once
    return tfp.optimizer.lbfgs_minimize(slope, z, max_iterations=iterations, max_line_search_iterations=_LINE_SEARCH,
                                        parallel_iterations=1).position

  def decode(self, q, size=None):
    """Frames in [0, 1] of positions, of any size: [..., d] -> [..., size, size, C].

    Args:
      q: positions.
      size: height and width; default `config.size`.
    """
    return self._over_batch(lambda x: self.decoder.image(x, size or self.config.size), q)

  def _positions(self, state, num_steps, dt):
    """Positions of a rollout, differentiated from its states alone: XLA takes no list of others across its border."""
    return integrate(self.dynamics(dt), state, dt, num_steps, self.config.method, adjoint="recompute").q

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
    seeds = tf.random.split(seed, 2)
    indices = self._draw_frames(tf.shape(frames)[0], step, seeds[0], start)
    places, colours, parts = self._sample_pixels(tf.gather(frames, indices, batch_dims=1), seeds[1])
    if weights is not None:  # of films, for each of their frames
      parts *= tf.repeat(weights, tf.shape(indices)[1])[:, None]
    error = self._pixel_error if self.run_eagerly else self._compiled_pixel_error
    return error(z, indices - start, places, colours, parts)

  def _sample_pixels(self, frames, seed):
    """(places [n, m, 2], colours [n, m, C], weights [n, m]) of random pixels of n = batch k frames [batch, k, ...]."""
    c = self.config
    targets = tf.reshape(frames, [-1, c.size ** 2, c.channels])
    pixels, weights = self._draw_pixels(targets, seed)
    places = tf.gather(tf.constant(pixel_grid(c.size, c.size), targets.dtype), pixels)
    return places, tf.gather(targets, pixels, batch_dims=1), weights

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
  def _compiled_pixel_error(self, *args):
    return self._pixel_error(*args)

  def _pixel_error(self, z, offsets, places, colours, weights):
    """Mean squared error of pixels of frames `offsets` [batch, k] away from the state z; both ways at once."""
    c = self.config
    state = PhaseSpace(*(tf.concat([x, x], axis=0) for x in PhaseSpace.split(z)))
    rows = tf.shape(z)[0]
    dt = tf.constant(c.dt, z.dtype) * tf.concat([tf.ones([rows], z.dtype), -tf.ones([rows], z.dtype)], axis=0)
    on, back = tf.split(self._positions(state, self._longest, dt), 2, axis=0)
    at = lambda path, index: tf.gather(path, tf.maximum(index, 0), batch_dims=1)  # noqa: E731
    q = tf.where(offsets[..., None] >= 0, at(on, offsets), at(back, -offsets))
    drawn = self.decoder(tf.reshape(q, [-1, c.pairs]), places)
    return tf.reduce_mean(tf.reduce_mean((drawn - colours) ** 2, axis=-1) * weights)
