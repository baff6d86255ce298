"""PixelHNN: an autoencoder of pairs of frames whose code moves by an HNN (Greydanus et al. 2019; paper A.3)."""

import keras
import tensorflow as tf

from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import optimizers
from hgn_tf.models.checks import check_frames
from hgn_tf.models.hnn import make
from hgn_tf.models.hnn_config import HNNConfig
from hgn_tf.models.pixel_hnn_config import WINDOW, PixelHNNConfig
from hgn_tf.networks import precision
from hgn_tf.networks.autoencoders import conv_autoencoder, mlp_autoencoder

CENTRE_STEPS = 100  # training steps whose frames make the mean image


@keras.saving.register_keras_serializable(package="hgn_tf")
class PixelHNN(keras.Model):
  """z_t = encoder(x_t, x_{t+1}) = (q_t, p_t); dz/dt = HNN(z), time in frames; (x_t, x_{t+1}) = decoder(z_t).

  L_AE is the squared error of a decoded pair; L_CC = (p_t - (q_{t+1} - q_t))^2 makes the code (position, velocity);
  L_HNN = |dz/dt - (z_{t+1} - z_t)|^2, dz/dt at z_t or, closer to the truth by an order of the time step, at the mean of
  z_t and z_{t+1} (`config.derivative`); each a mean over components. `fit` takes batches of frames, float32
  [batch, T + 1, H, W, C] in [0, 1], and draws three successive frames of each.

  Args:
    config: PixelHNNConfig, or its dict.
  """

  def __init__(self, config, **kwargs):
    config = config if isinstance(config, PixelHNNConfig) else PixelHNNConfig.from_dict(config)
    super().__init__(**{"name": config.name, **kwargs})
    self.config = config
    self.encoder, self.decoder = _autoencoder(config)
    self.dynamics = make(HNNConfig(
        name="dynamics", model=config.dynamics, hidden=config.dynamics_hidden, weight_decay=0.0))
    self.dynamics.build((None, config.embedding))
    # Subtracted before the encoder, added after the decoder: on a bright background nothing is learned without it.
    self.centre = self.add_weight(shape=config.frame_shape[1:], initializer="zeros", trainable=False, name="centre")
    self.trackers = {key: keras.metrics.Mean(name=key) for key in ("loss", "autoencoder", "canonical", "dynamics")}
    self.built = True

  def encode(self, frames):
    """The code of the first two frames: [batch, T + 1, H, W, C] -> [batch, embedding].

    Raises:
      ValueError: fewer than two frames, another shape or dtype, or (when eager) values outside [0, 1].
    """
    if frames.shape[1] is not None and frames.shape[1] < 2:
      raise ValueError(f"frames must have at least 2 in time, got {frames.shape[1]}.")
    frames = check_frames(frames, (None, *self.config.frame_shape[1:]))
    return self.encoder(self._pairs(frames[:, :2])[:, 0])

  def initial_state(self, z):
    """(q, p), the halves of a code."""
    return PhaseSpace.split(z)

  def infer(self, frames):
    """The state that a rollout starts from: the code of the first two frames; PhaseSpace."""
    return self.initial_state(self.encode(frames))

  def rollout(self, state, num_steps, dt=None, method=None):
    """The HNN's motion from `state`: PhaseSpace, each [batch, num_steps + 1, embedding / 2], the start included.

    Args:
      state: PhaseSpace, each [batch, embedding / 2].
      num_steps: int, at least 0.
      dt: frames of a step, default 1; negative runs backward.
      method: default `config.method`; "solve_ivp" only outside of a tf.function.
    """
    return self.dynamics.rollout(state, num_steps, 1.0 if dt is None else dt, method or self.config.method)

  def decode(self, state):
    """The earlier frame of the decoded pair: PhaseSpace, each [..., embedding / 2] -> [..., H, W, C] in [0, 1]."""
    z = state.merge()
    pair = self.decoder(tf.reshape(z, [-1, self.config.embedding]))
    frame = tf.clip_by_value(pair[..., :self.config.channels] + self.centre, 0.0, 1.0)
    return tf.reshape(frame, tf.concat([tf.shape(z)[:-1], self.config.frame_shape[1:]], 0))

  def render(self, states):
    """Frames of a PhaseSpace, as `decode`."""
    return self.decode(states)

  def energy(self, state):
    """The HNN's H up to a constant; [...] for states [..., embedding / 2]."""
    return self.dynamics.energy(state)

  def reconstruct(self, frames, num_steps=None, dt=None, method=None):
    """Frames rolled out from the first two; [batch, num_steps + 1, H, W, C], fewer steps where the rollout diverges.

    Args:
      frames: float32 [batch, T + 1, H, W, C] in [0, 1], T at least 1.
      num_steps: default T.
      dt: as in `rollout`.
      method: as in `rollout`.
    """
    num_steps = frames.shape[1] - 1 if num_steps is None else num_steps
    return self.render(self.rollout(self.infer(frames), num_steps, dt, method))

  def call(self, frames):
    return self.reconstruct(frames, method="rk4")

  def compile(self, optimizer=None, jit_compile=None, **kwargs):
    """`keras.Model.compile`; by default Adam as in the config, jit-compiled where there is a GPU."""
    optimizer = optimizers.adam(self.config, epsilon=1e-8) if optimizer is None else optimizer
    jit_compile = precision.has_gpu() if jit_compile is None else jit_compile
    super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)

  def train_step(self, frames):
    window = self._window(check_frames(frames, self.config.frame_shape))
    self._update_centre(window)
    with tf.GradientTape() as tape:
      losses = self.objective(window)
      decay = self.config.weight_decay * tf.add_n([tf.nn.l2_loss(v.value) for v in self.trainable_variables])
      total = losses["loss"] + decay
    self.optimizer.apply(tape.gradient(total, self.trainable_variables), self.trainable_variables)
    return self._track(losses)

  def test_step(self, frames):
    return self._track(self.objective(check_frames(frames, self.config.frame_shape)))

  def objective(self, frames):
    """The terms of L and their weighted sum (without weight decay), means over all transitions of the frames.

    Args:
      frames: [batch, n, H, W, C], n at least 3.
    """
    c = self.config
    pairs = self._pairs(frames)
    n = pairs.shape[1]
    z = tf.reshape(self.encoder(tf.reshape(pairs, [-1, *c.pair_shape])), [-1, n, c.embedding])
    now, change = tf.reshape(z[:, :-1], [-1, c.embedding]), tf.reshape(z[:, 1:] - z[:, :-1], [-1, c.embedding])
    at = now + change / 2 if c.derivative == "midpoint" else now
    target = tf.reshape(pairs[:, :-1], [-1, *c.pair_shape])
    losses = {"autoencoder": _mean_square(self.decoder(now) - target),
              "canonical": _mean_square(PhaseSpace.split(now).p - PhaseSpace.split(change).q),
              "dynamics": _mean_square(self.dynamics(at) - change)}
    weights = {"autoencoder": c.autoencoder_weight, "canonical": c.canonical_weight, "dynamics": c.dynamics_weight}
    total = tf.add_n([weights[key] * value for key, value in losses.items()])
    return {"loss": total, **losses}

  def _pairs(self, frames):
    """Each frame with the next one on channels, centred: [batch, n, H, W, C] -> [batch, n - 1, H, W, 2C]."""
    frames = frames - self.centre
    return tf.concat([frames[:, :-1], frames[:, 1:]], axis=-1)

  def _update_centre(self, frames):
    """The mean image of the first `CENTRE_STEPS` steps."""
    step = tf.cast(self.optimizer.iterations, tf.float32)
    rate = tf.where(step < CENTRE_STEPS, 1.0 / (step + 1.0), 0.0)
    self.centre.assign_add(rate * (tf.reduce_mean(frames, axis=(0, 1)) - self.centre))

  def _window(self, frames):
    """Three successive frames of each sequence, drawn by (config.seed, step)."""
    seed = tf.stack([self.config.seed, tf.cast(self.optimizer.iterations, tf.int32)])
    last = self.config.num_frames - WINDOW
    first = tf.random.stateless_uniform([tf.shape(frames)[0], 1], seed, 0, last + 1, tf.int32)
    return tf.ensure_shape(tf.gather(frames, first + tf.range(WINDOW), batch_dims=1),
                           [None, WINDOW, *self.config.frame_shape[1:]])

  def _track(self, losses):
    for key, value in losses.items():
      self.trackers[key].update_state(value)
    return {key: tracker.result() for key, tracker in self.trackers.items()}

  @property
  def metrics(self):
    return list(self.trackers.values())

  def get_config(self):
    return {"config": self.config.to_dict(), "name": self.name}


def _autoencoder(c):
  """(encoder, decoder) of pairs of frames."""
  if c.autoencoder == "mlp":
    return mlp_autoencoder(c.pair_shape, c.hidden, c.embedding)
  return conv_autoencoder(c.pair_shape, c.encoder, c.decoder_filters, c.embedding, precision.policy(c.precision))


def _mean_square(x):
  return tf.reduce_mean(x ** 2)
