"""A neural ODE in latent space (Chen et al. 2018; Rubanova et al. 2019): any law, beside Hamilton's."""

import keras

from hgn_tf import networks
from hgn_tf.mechanics.hamiltonians import Field
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models.compact import CompactHGN
from hgn_tf.models.latent_ode_config import LatentODEConfig


@keras.saving.register_keras_serializable(package="hgn_tf")
class LatentODE(CompactHGN):
  """d(q, p)/dt = MLP(q, p): encoder, decoder and training of a `CompactHGN`, and no energy behind its motion.

  Like the oscillator of a `CompactHGN` it turns in the planes of (q_i, p_i) before anything is learned. Frames are
  drawn of q, as there: p is what moves it.

  Args:
    config: LatentODEConfig, or its dict.
  """

  config_class = LatentODEConfig
  has_energy = False

  def _make_energies(self):
    c = self.config
    self.field = networks.VectorField(c.field_hidden, c.activation, c.energy_gain, dtype=self.variable_dtype,
                                      name="field")
    return [(self.field, c.latent_shape)]

  @property
  def hamiltonian(self):
    """The vector field, as `hgn_tf.integrate` takes it."""
    return Field(lambda state: PhaseSpace.split(self.field(state.merge())))
