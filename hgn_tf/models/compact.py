"""An HGN whose state is a few numbers: it learns the law, not the film."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from hgn_tf import networks
from hgn_tf.mechanics.integrate import integrate
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.mechanics.port_hamiltonian import PortHamiltonian
from hgn_tf.models import objectives, replicas
from hgn_tf.models.checks import check_controls, check_rollout
from hgn_tf.models.compact_config import CompactHGNConfig
from hgn_tf.models.objective_model import weighted_mean
from hgn_tf.models.window import WindowHGN
from hgn_tf.networks.grids import pixel_grid

_MOST_OF_FACTOR = 2.0  # of the numbers that L is made of: without a bound no training came to its end
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
    how = dict(channels=c.channels, units=c.units, hidden=c.decoder_hidden, shifts=c.decoder_shifts,
               dtype=self.variable_dtype, name="decoder")
    return networks.DifferenceDecoder(c.size, **how) if c.draw_difference else networks.CoordinateDecoder(**how)

  def _make_energies(self):
    c, layers = self.config, super()._make_energies()
    if c.damping:
      self.friction = networks.Friction(c.damping_hidden, c.activation, gain=c.energy_gain, dtype=self.variable_dtype,
                                        name="friction")
      layers.append((self.friction, c.state_shape))
    if c.inputs:
      self.input_matrix = networks.InputMatrix(c.inputs, c.input_hidden, c.activation, c.energy_gain,
                                               dtype=self.variable_dtype, name="input_matrix")
      layers.append((self.input_matrix, c.state_shape))
      self.window_response = keras.layers.Dense(2 * c.pairs, use_bias=False, kernel_initializer="zeros",
                                                dtype=self.variable_dtype, name="window_response")
      layers.append((self.window_response, ((c.context - 1) * c.inputs,)))
    return layers

  def _energy(self, name):
    c = self.config
    if name == "kinetic":
      hidden, lengths = c.kinetic_hidden, {}
    else:
      hidden, lengths = c.potential_hidden, dict(radii=c.radii, powers=c.powers)
    return networks.OscillatorEnergy(hidden, gain=c.energy_gain, activation=c.activation, **lengths,
                                     dtype=self.variable_dtype, name=name)

  def _factor(self):
    c = self.config
    return networks.CholeskyFactor(c.factor_hidden, c.activation, c.energy_gain, _MOST_OF_FACTOR,
                                   dtype=self.variable_dtype, name="factor")

  @property
  def hamiltonian(self):
    return self.hamiltonian_of(lambda energy: energy)

  def hamiltonian_of(self, form):
    c = self.config
    if c.damping or c.inputs:
      return PortHamiltonian(form(self.potential), self.friction if c.damping else None,
                             self.input_matrix if c.inputs else None)
    return super().hamiltonian_of(form)

  def encode(self, frames, controls=None):
    """q(z | frames), a tfp Independent Normal, event [2d]: the state at the middle of the first window.

    Args:
      frames: [batch, T + 1, H, W, C], at least `config.context` in time.
      controls: u between them, [batch, T, config.inputs]: their part in z is learned beside the encoder, linear in u;
        None: no inputs.

    Raises:
      ValueError: frames of another shape or dtype, or (when eager) not finite or outside [0, 1]; controls of fewer
        steps than the window has.
    """
    return self._gaussian(self._posterior(self.check_seen(frames), controls))

  def _posterior(self, frames, controls=None):
    mean, log_std = super()._posterior(frames)
    if controls is None:
      return mean, log_std
    c = self.config
    window = check_controls(controls, (None, c.inputs), self.variable_dtype)[:, :c.context - 1]
    check_controls(window, (c.context - 1, c.inputs), self.variable_dtype)
    return mean + self.window_response(tf.reshape(window, [-1, (c.context - 1) * c.inputs])), log_std

  def rollout(self, state, num_steps, dt=None, controls=None):
    """Hamilton's equations from `state`; PhaseSpace, each [batch, num_steps + 1, ...], the start included.

    Args:
      state: PhaseSpace, each [batch, *config.state_shape].
      num_steps: int or int32 scalar, at least 0.
      dt: time of a step, float or [batch]; negative runs backward; default `config.dt`.
      controls: u of each step in the order in which they are taken, [batch, num_steps, config.inputs]; None: no inputs.

    Raises:
      ValueError: controls of another shape, or of a model without inputs.
    """
    if controls is None:
      return super().rollout(state, num_steps, dt)
    dt = self.config.dt if dt is None else dt
    check_rollout(self.hamiltonian, num_steps, dt, self.config.method)
    return integrate(self.dynamics(dt), state, dt, num_steps, self.config.method, controls=controls)

  def infer(self, frames, refine=0, controls=None):
    """The state at the first frame: the encoder's, then refined by how well its rollout shows all frames given.

    Args:
      frames: float32 [batch, T + 1, H, W, C] in [0, 1], at least `config.context` in time.
      refine: iterations of L-BFGS on the squared error of all frames (data assimilation); 0: the encoder's own.
      controls: u between the frames, [batch, T, config.inputs], or None.

    Returns:
      PhaseSpace, each [batch, d].

    Raises:
      ValueError: `refine` with controls, or controls of fewer steps than the window has.
    """
    if refine and controls is not None:
      raise ValueError(f"refine must be 0 where there are controls, got {refine}.")
    z = self.encode(frames, controls).mean()
    return self.initial_state(self.refine(z, frames, refine) if refine else z, controls)

  def initial_state(self, z, controls=None):
    """The state at the first frame of the window whose middle has the state z = (q, p).

    Args:
      z: [batch, 2d].
      controls: u from the first frame on, [batch, steps, config.inputs], or None.
    """
    if controls is None:
      return super().initial_state(z)
    c = self.config
    before = check_controls(controls, (None, c.inputs), self.variable_dtype)[:, :c.middle][:, ::-1]
    path = self.rollout(PhaseSpace.split(z), c.middle, -c.dt, before)
    return PhaseSpace(*(x[:, -1] for x in path))

  def reconstruct(self, frames, num_steps=None, dt=None, controls=None):
    """Frames rolled out from the mean of the posterior; [batch, num_steps + 1, H, W, C].

    Args:
      frames: float32 [batch, T + 1, H, W, C] in [0, 1].
      num_steps: default T of the config, or as many as there are controls.
      dt: as in `rollout`.
      controls: u from the first frame on, [batch, num_steps, config.inputs], or None.
    """
    if controls is None:
      return super().reconstruct(frames, num_steps, dt)
    num_steps = controls.shape[1] if num_steps is None else num_steps
    return self.render(self.rollout(self.infer(frames, controls=controls), num_steps, dt, controls))

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

  def _positions(self, state, num_steps, dt, controls=None):
    """Positions of a rollout, differentiated from its states alone: XLA takes no list of others across its border."""
    return integrate(self.dynamics(dt), state, dt, num_steps, self.config.method, adjoint="recompute",
                     controls=controls).q

  # Training.

  def inputs(self, x):
    """Films or, of a model with inputs, a dict of `frames` and `controls` [batch, T, config.inputs]."""
    c = self.config
    if not c.inputs:
      return super().inputs(x)
    if not isinstance(x, dict) or set(x) != {"frames", "controls"}:
      raise ValueError("x must be a dict of frames and controls for a model with inputs, got "
                       f"{sorted(x) if isinstance(x, dict) else type(x).__name__}.")
    return {"frames": super().inputs(x["frames"]),
            "controls": check_controls(x["controls"], (c.num_frames - 1, c.inputs), self.variable_dtype)}

  def films_of(self, x):
    return x["frames"] if self.config.inputs else x

  def posterior_of(self, x):
    return self._posterior(self.films_of(x), x["controls"] if self.config.inputs else None)

  def call(self, x):
    """The reconstruction of films of `config.num_frames`, from the mean of the posterior, under their controls."""
    if not isinstance(x, dict):
      return super().call(x)
    return self.reconstruct(x["frames"], controls=x["controls"])

  def _prepare_encoder(self, frames, step):
    super()._prepare_encoder(frames, step)
    if self.config.draw_difference:
      self.decoder.ground.assign(tf.convert_to_tensor(self.encoder.centre))

  def objective(self, x, step, weights=None):
    c, frames, controls = self.config, self.films_of(x), x["controls"] if self.config.inputs else None
    seeds = tf.random.split(tf.stack([c.seed, step]), 4)
    start = self._draw_start(seeds[2])
    seen = None if controls is None else tf.gather(controls, start + tf.range(c.context - 1), axis=1)
    mean, log_std = self._posterior(self._window(frames, start), seen)
    z = self._draw(mean, log_std, seeds[0])
    mse = self._film_error(z, frames, step, seeds[1], start + c.middle, weights, controls)
    kl = weighted_mean(objectives.gaussian_kl(mean, log_std), weights)
    return mse, kl, self._lagrangian(mse, kl, step)

  def _draw_start(self, seed):
    """The first frame of a random window."""
    c = self.config
    return tf.random.stateless_uniform([], seed, 0, c.num_frames - c.context + 1, tf.int32)

  def _window(self, frames, start):
    return tf.gather(frames, start + tf.range(self.config.context), axis=1)

  def _film_error(self, z, frames, step, seed, start=0, weights=None, controls=None):
    """Squared error of random pixels of random frames, within a horizon around `start` that grows with the steps."""
    seeds = tf.random.split(seed, 2)
    indices = self._draw_frames(tf.shape(frames)[0], step, seeds[0], start)
    places, colours, parts = self._sample_pixels(tf.gather(frames, indices, batch_dims=1), seeds[1])
    if weights is not None:  # of films, for each of their frames
      parts *= tf.repeat(weights, tf.shape(indices)[1])[:, None]
    error = self._pixel_error if self.run_eagerly else self._compiled_pixel_error
    ways = () if controls is None else (self._both_ways(controls, start),)
    return error(z, indices - start, places, colours, parts, *ways)

  def _both_ways(self, controls, start):
    """u of the steps onward from frame `start` and, below them, of those back from it, [2 batch, steps, inputs].

    Steps beyond the ends of the film, whose frames nothing is trained on, take those of the ends.
    """
    steps, last = tf.range(self._longest), self.config.num_frames - 2
    ways = [tf.gather(controls, tf.clip_by_value(places, 0, last), axis=1)
            for places in (start + steps, start - 1 - steps)]
    return tf.concat(ways, axis=0)

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
    first, last = self._bounds(start, self.reach_at(step))
    count = c.frames_per_step or c.num_frames
    draws = replicas.rows_of_replica(lambda n: tf.random.stateless_uniform([n, count], seed), rows)
    places = (tf.range(count, dtype=tf.float32) + draws) / count * tf.cast(last - first + 1, tf.float32)
    return tf.minimum(first + tf.cast(places, tf.int32), last)

  def _bounds(self, start, reach):
    """The first and the last frame that a step trains."""
    return tf.maximum(start - reach, 0), tf.minimum(start + reach, self.config.num_frames - 1)

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

  def _pixel_error(self, z, offsets, places, colours, weights, controls=None):
    """Mean squared error of pixels of frames `offsets` [batch, k] away from the state z; both ways at once."""
    c = self.config
    state = PhaseSpace(*(tf.concat([x, x], axis=0) for x in PhaseSpace.split(z)))
    rows = tf.shape(z)[0]
    dt = tf.constant(c.dt, z.dtype) * tf.concat([tf.ones([rows], z.dtype), -tf.ones([rows], z.dtype)], axis=0)
    on, back = tf.split(self._positions(state, self._longest, dt, controls), 2, axis=0)
    at = lambda path, index: tf.gather(path, tf.maximum(index, 0), batch_dims=1)  # noqa: E731
    q = tf.where(offsets[..., None] >= 0, at(on, offsets), at(back, -offsets))
    drawn = self.decoder(tf.reshape(q, [-1, c.pairs]), places)
    return tf.reduce_mean(tf.reduce_mean((drawn - colours) ** 2, axis=-1) * weights)
