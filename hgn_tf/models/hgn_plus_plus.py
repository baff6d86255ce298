"""HGN++ (Botev et al., "Which priors matter?", NeurIPS 2021): few frames in, many out, both ways in time."""

import keras
import tensorflow as tf

from hgn_tf import networks
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import objectives
from hgn_tf.models.hgn_plus_plus_config import HGNPlusPlusConfig
from hgn_tf.models.objective_model import weighted_mean
from hgn_tf.models.window import WindowHGN


@keras.saving.register_keras_serializable(package="hgn_tf")
class HGNPlusPlus(WindowHGN):
  """An HGN whose state is a vector, inferred from a few frames and held to all the frames that follow.

  Half of the films of a batch are read from their end: the window is their last frames, in the order of time, and the
  rollout runs back with -dt. f_psi is left out, V(q) and K(p) are MLPs.

  Args:
    config: HGNPlusPlusConfig, or its dict.
  """

  config_class = HGNPlusPlusConfig

  def _make_encoder(self):
    c = self.config
    return networks.VectorEncoder(2 * c.pairs, c.encoder, c.log_std_offset, c.kernel_initializer,
                                  dtype=self.conv_policy, name="encoder")

  def _make_decoder(self):
    c = self.config
    return networks.VectorDecoder((c.grid, c.grid, c.decoder_inputs), c.decoder_filters, c.channels,
                                  c.kernel_initializer, dtype=self.conv_policy, name="decoder")

  def _energy(self, name):
    c = self.config
    return networks.MLPEnergy(c.hidden, c.activation, residual=c.energy_residual, dtype=self.variable_dtype, name=name)

  @property
  def hamiltonian(self):
    return self.hamiltonian_of(lambda energy: energy)

  # Training.

  def objective(self, frames, step, weights=None):
    c = self.config
    seeds = tf.random.split(tf.stack([c.seed, step]), 2)
    back = self._read_from_the_end(frames)
    mean, log_std = self._posterior(tf.where(back, frames[:, -c.context:], frames[:, :c.context]))
    state = PhaseSpace.split(self._draw(mean, log_std, seeds[0]))
    dt = tf.where(back[:, 0, 0, 0, 0], -1.0, 1.0) * c.dt
    q = self.rollout(state, c.num_frames - 1 - c.middle, dt).q[:, -c.predicted:]
    targets = tf.where(back, tf.reverse(frames, [1]), frames)[:, -c.predicted:]
    mse = self._film_error(q, targets, step, seeds[1], weights=weights)
    kl = weighted_mean(objectives.gaussian_kl(mean, log_std), weights)
    return mse, kl, self._lagrangian(mse, kl, step)

  def _read_from_the_end(self, frames):
    """Whether each film of a batch is, bool [batch, 1, 1, 1, 1]: every other one."""
    odd = tf.range(tf.shape(frames)[0]) % 2 == 1
    return tf.reshape(odd if self.config.reverse else tf.zeros_like(odd), [-1, 1, 1, 1, 1])
