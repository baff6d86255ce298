"""A recurrent network in latent space: a law from frame to frame, beside laws in time."""

import keras
import tensorflow as tf

from hgn_tf.mechanics.hamiltonians import Field
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models.checks import as_tensor
from hgn_tf.models.compact import CompactHGN
from hgn_tf.models.latent_rnn_config import LatentRNNConfig


@keras.saving.register_keras_serializable(package="hgn_tf")
class LatentRNN(CompactHGN):
  """h_{t+1} = GRU(h_t), h = (q, p), with another GRU for h_{t-1}; encoder, decoder and training of a `CompactHGN`.

  A rollout whose time of a step is a part s of `config.dt` takes that part of each change: h + s (GRU(h) - h).

  Args:
    config: LatentRNNConfig, or its dict.
  """

  config_class = LatentRNNConfig
  has_energy = False

  def _make_energies(self):
    c = self.config
    self.ahead, self.back = (keras.layers.GRUCell(2 * c.pairs, dtype=self.variable_dtype, name=name)
                             for name in ("ahead", "back"))
    return [(cell, (1,)) for cell in (self.ahead, self.back)]

  @property
  def hamiltonian(self):
    """What a step of `config.dt` is Euler's rule for, as `hgn_tf.integrate` takes it."""
    return self.dynamics(self.config.dt)

  def dynamics(self, dt):
    c = self.config
    forward = tf.reshape(as_tensor(dt, self.variable_dtype) * c.dt > 0, [-1, 1])

    def velocity(state):
      h = state.merge()
      return PhaseSpace.split(tf.where(forward, _next(self.ahead, h) - h, h - _next(self.back, h)) / c.dt)

    return Field(velocity)


def _next(cell, h):
  """The state [batch, units] after h of a GRU that is given nothing else."""
  return cell(tf.zeros_like(h[:, :1]), [h])[0]
