"""The configuration of a LatentRNN."""

import dataclasses

from hgn_tf.models import rules
from hgn_tf.models.compact_config import CompactHGNConfig


@dataclasses.dataclass(frozen=True)
class LatentRNNConfig(CompactHGNConfig):
  """Every choice that makes a `LatentRNN`, as plain data: those of a `CompactHGN` but for its energies.

  Architecture:
    pairs: half the units of the GRU, which needs more of them than the motion has numbers.
    context: frames that the encoder sees; the state that it infers is that of the first one, for what a GRU makes of a
      state cannot be undone by another.
    method: "euler", a step of which is a step of the GRU.
  """

  name: str = "latent_rnn"
  pairs: int = 16
  method: str = "euler"

  RULES = {"method": rules.one_of("euler"), "damping": rules.NO_ENERGY, "inputs": rules.NO_ENERGY}

  @property
  def middle(self):
    return 0
