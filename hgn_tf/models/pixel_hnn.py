"""PixelHNN: an autoencoder of pairs of frames whose code moves by an HNN (Greydanus et al. 2019; paper A.3)."""

import keras
import tensorflow as tf

from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import optimizers
from hgn_tf.models.checks import check_frames
from hgn_tf.models.hnn import make
from hgn_tf.models.hnn_config import HNNConfig
from hgn_tf.models.objective_model import ObjectiveModel, weighted_mean
from hgn_tf.models.pixel_hnn_config import WINDOW, PixelHNNConfig
from hgn_tf.networks import precision
from hgn_tf.networks.autoencoders import conv_autoencoder, mlp_autoencoder

CENTRE_STEPS = 100  # training steps whose frames make the mean image


@keras.saving.register_keras_serializable(package="hgn_tf")
class PixelHNN(ObjectiveModel):
  """z_t = encoder(x_t, x_{t+1}) = (q_t, p_t); dz/dt = HNN(z), time in frames; (x_t, x_{t+1}) = decoder(z_t).

  L_AE is the squared error of a decoded pair; L_CC = (p_t - (q_{t+1} - q_t))^2 makes the code (position, velocity);
  L_HNN = |dz/dt - (z_{t+1} - z_t)|^2, dz/dt at z_t or, closer to the truth by an order of the time step, at the mean of
  z_t and z_{t+1} (`config.derivative`); each a mean over components. `fit` takes batches of frames, float32
  [batch, T + 1, H, W, C] in [0, 1], and draws three successive frames of each.

  Args:
    config: PixelHNNConfig, or its dict.
  """

  config_class = PixelHNNConfig
  figures = ("loss", "autoencoder", "canonical", "dynamics")

  def __init__(self, config, **kwargs):
    super().__init__(config, **kwargs)
    config = self.config
    self.encoder, self.decoder = self._autoencoder()
    self.dynamics = make(HNNConfig(
        name="dynamics", model=config.dynamics, hidden=config.dynamics_hidden, weight_decay=0.0),
        dtype=self.policy)
    self.dynamics.build((None, config.embedding))
    # Subtracted before the encoder, added after the decoder: on a bright background nothing is learned without it.
    self.centre = self.add_weight(shape=config.frame_shape[1:], initializer="zeros", trainable=False, name="centre")
    self.add_step_counter()
    self.build((None, *config.frame_shape))

  def build(self, input_shape):
    """All weights are there from the start."""

  def _autoencoder(self):
    """(encoder, decoder) of pairs of frames."""
    c, policy = self.config, self.policy
    if c.autoencoder == "mlp":
      return mlp_autoencoder(c.pair_shape, c.hidden, c.embedding, policy)
    conv = precision.policy(c.precision) if policy == "float32" else policy
    return conv_autoencoder(c.pair_shape, c.encoder, c.decoder_filters, c.embedding, policy, conv)

  def encode(self, frames):
    """The code of the first two frames: [batch, T + 1, H, W, C] -> [batch, embedding].

    Raises:
      ValueError: fewer than two frames, another shape or dtype, or (when eager) values outside [0, 1].
    """
    if frames.shape[1] is not None and frames.shape[1] < 2:
      raise ValueError(f"frames must have at least 2 in time, got {frames.shape[1]}.")
    frames = check_frames(frames, (None, *self.config.frame_shape[1:]), self.variable_dtype)
    return self._code(self._pairs(frames[:, :2])[:, 0])

  def _code(self, pairs):
    return tf.cast(self.encoder(pairs), self.variable_dtype)

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
    pair = tf.cast(self.decoder(tf.reshape(z, [-1, self.config.embedding])), z.dtype)
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
    """`reconstruct` by RK4, which a graph can hold."""
    return self.reconstruct(frames, method="rk4")

  def default_optimizer(self):
    return optimizers.adam(self.config, epsilon=1e-8)

  def inputs(self, x):
    return check_frames(x, self.config.frame_shape, self.variable_dtype)

  def step_losses(self, frames, weights, step):
    window = self._window(frames, step)
    losses = self.objective(window, weights)
    decay = self.config.weight_decay * tf.add_n([tf.nn.l2_loss(v.value) for v in self.trainable_variables])
    return losses["loss"] + decay, losses

  def before_step(self, frames, step):
    self._update_centre(self._window(frames, step), step)

  def test_losses(self, frames, weights):
    return self.objective(frames, weights)

  def objective(self, frames, weights=None):
    """The terms of L and their weighted sum (without weight decay), means over all transitions of the frames.

    Args:
      frames: [batch, n, H, W, C], n at least 3.
      weights: of the films, [batch] with a mean of 1, or None.
    """
    c = self.config
    pairs = self._pairs(frames)
    n = pairs.shape[1]
    z = tf.reshape(self._code(tf.reshape(pairs, [-1, *c.pair_shape])), [-1, n, c.embedding])
    now, change = tf.reshape(z[:, :-1], [-1, c.embedding]), tf.reshape(z[:, 1:] - z[:, :-1], [-1, c.embedding])
    at = now + change / 2 if c.derivative == "midpoint" else now
    target = tf.reshape(pairs[:, :-1], [-1, *c.pair_shape])
    decoded = tf.cast(self.decoder(now), target.dtype)
    films = None if weights is None else tf.repeat(weights, n - 1)  # of each transition
    losses = {"autoencoder": weighted_mean((decoded - target) ** 2, films),
              "canonical": weighted_mean((PhaseSpace.split(now).p - PhaseSpace.split(change).q) ** 2, films),
              "dynamics": weighted_mean((self.dynamics(at) - change) ** 2, films)}
    terms = {"autoencoder": c.autoencoder_weight, "canonical": c.canonical_weight, "dynamics": c.dynamics_weight}
    total = tf.add_n([terms[key] * value for key, value in losses.items()])
    return {"loss": total, **losses}

  def _pairs(self, frames):
    """Each frame with the next one on channels, centred: [batch, n, H, W, C] -> [batch, n - 1, H, W, 2C]."""
    frames = frames - self.centre
    return tf.concat([frames[:, :-1], frames[:, 1:]], axis=-1)

  def _update_centre(self, frames, step):
    """The mean image of the first `CENTRE_STEPS` steps."""
    step = tf.cast(step, frames.dtype)
    rate = tf.where(step < CENTRE_STEPS, 1.0 / (step + 1.0), 0.0)
    self.centre.assign_add(rate * (tf.reduce_mean(frames, axis=(0, 1)) - self.centre))

  def _window(self, frames, step):
    """Three successive frames of each sequence, drawn by (config.seed, step)."""
    seed = tf.stack([self.config.seed, step])
    last = self.config.num_frames - WINDOW
    first = tf.random.stateless_uniform([tf.shape(frames)[0], 1], seed, 0, last + 1, tf.int32)
    return tf.ensure_shape(tf.gather(frames, first + tf.range(WINDOW), batch_dims=1),
                           [None, WINDOW, *self.config.frame_shape[1:]])
