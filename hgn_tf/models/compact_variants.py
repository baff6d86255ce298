"""What docs/law.md compares a CompactHGN with: one of its choices taken back, or one more added, at a time."""

import dataclasses

import keras
import tensorflow as tf

from hgn_tf import networks
from hgn_tf.mechanics.integrate import integrate
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import rules
from hgn_tf.models.compact import CompactHGN
from hgn_tf.models.compact_config import CompactHGNConfig
from hgn_tf.models.hgn import rise


@dataclasses.dataclass(frozen=True)
class CompactVariantConfig(CompactHGNConfig):
  """A CompactHGNConfig with the choices that the ablation of docs/law.md takes back or adds.

  windows: "random" or "first", where the window that the encoder sees stands in the film.
  directions: "both" or "forward", frames on which side of the state are trained on.
  conv_decoder: the paper's decoder on a grid that is a linear function of q.
  time_reversal: half of the films of a batch run backward.
  consistency: weight of how far the state that another window of the film gives is from the rollout, in units of the
    spread of the states, where the squared error of the frames is in units of theirs.
  bootstrap: the same for windows of frames that the model itself predicts beyond the end of the film.
  """

  windows: str = "random"
  directions: str = "both"
  conv_decoder: bool = False
  time_reversal: bool = False
  consistency: float = 0.0
  bootstrap: float = 0.0

  RULES = {
      "windows": rules.one_of("random", "first"),
      "directions": rules.one_of("both", "forward"),
      "consistency": rules.at_least(0),
      "bootstrap": rules.at_least(0),
      "inputs": rules.Rule("0: no row of the ablation is driven", lambda value: value == 0),
  }

  def __post_init__(self):
    super().__post_init__()
    if self.conv_decoder and self.draw_difference:
      raise ValueError("draw_difference must be False with conv_decoder=True, which draws whole images; got True.")


@keras.saving.register_keras_serializable(package="hgn_tf")
class CompactVariant(CompactHGN):
  """A CompactHGN with other choices in its training.

  Args:
    config: CompactVariantConfig, or its dict.
  """

  config_class = CompactVariantConfig

  def _make_decoder(self):
    c = self.config
    if not c.conv_decoder:
      return super()._make_decoder()
    return networks.ImageDecoder(c.size, c.decoder_filters, c.channels, dtype=self.variable_dtype, name="decoder")

  def _draw_start(self, seed):
    return tf.constant(0) if self.config.windows == "first" else super()._draw_start(seed)

  def _bounds(self, start, reach):
    first, last = super()._bounds(start, reach)
    return (start, last) if self.config.directions == "forward" else (first, last)

  def objective(self, frames, step, weights=None):
    c = self.config
    if c.time_reversal:
      forward = tf.range(tf.shape(frames)[0]) % 2 == 0
      frames = tf.where(forward[:, None, None, None, None], frames, frames[:, ::-1])
    mse, kl, loss = super().objective(frames, step, weights)
    if c.consistency or c.bootstrap:
      share = rise((c.horizon[1] * c.steps, float(c.steps)), step, 1.0)
      loss += share * self._agreements(frames, tf.random.split(tf.stack([c.seed, step]), 5)[4])
    return mse, kl, loss

  def _agreements(self, frames, seed):
    """What the weighted disagreements add to the loss."""
    c = self.config
    seeds = tf.random.split(seed, 3)
    start = self._draw_start(seeds[0])
    z, total = self._posterior(self._window(frames, start))[0], 0.0
    if c.consistency:
      other = self._draw_start(seeds[1])
      total += c.consistency * self._disagreement(self._at(z, other - start), self._window(frames, other))
    if c.bootstrap:
      ahead = tf.random.stateless_uniform([], seeds[2], 1, c.num_frames, tf.int32) + c.num_frames - start - c.context
      drawn = self.decode(self._along(self._at(z, ahead - c.middle), c.context - 1, c.dt)[..., :c.pairs])
      total += c.bootstrap * self._disagreement(self._at(z, ahead), tf.stop_gradient(drawn))
    return total * c.size ** 2 * c.channels / self.encoder.scale ** 2

  def _at(self, z, offset):
    """The state so many frames from z on, on either side."""
    c = self.config
    return self._along(z, 3 * c.num_frames, c.dt * tf.cast(tf.sign(offset), z.dtype))[:, tf.abs(offset)]

  def _along(self, z, num_steps, dt):
    """The states of a rollout, [batch, num_steps + 1, 2d]; only this is compiled, as convolutions are slow in XLA."""
    run = self._integrated if self.run_eagerly else self._compiled_integrated
    return run(z, num_steps, tf.convert_to_tensor(dt, z.dtype))

  @tf.function(jit_compile=True, autograph=False)
  def _compiled_integrated(self, *args):
    return self._integrated(*args)

  def _integrated(self, z, num_steps, dt):
    return tf.concat(integrate(self.hamiltonian, PhaseSpace.split(z), dt, num_steps, self.config.method,
                               adjoint="recompute"), axis=-1)

  def _disagreement(self, z, window):
    """Squared distance of z from the state that a window gives, over the variance of the states."""
    other = self._posterior(window)[0]
    spread = tf.stop_gradient(tf.math.reduce_variance(other, axis=0)) + 1e-6
    return tf.reduce_mean((z - other) ** 2 / spread)
