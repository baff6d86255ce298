"""The configuration of a LatentODE."""

import dataclasses

from hgn_tf.models import rules
from hgn_tf.models.compact_config import CompactHGNConfig


@dataclasses.dataclass(frozen=True)
class LatentODEConfig(CompactHGNConfig):
  """Every choice that makes a `LatentODE`, as plain data: those of a `CompactHGN` but for its energies.

  Architecture:
    field_hidden: widths of the hidden layers of the vector field; activation: of them.
    method: "rk4" or "euler".
  """

  name: str = "latent_ode"
  field_hidden: tuple = (64, 64)
  activation: str = "silu"
  method: str = "rk4"

  RULES = {"field_hidden": rules.WIDTHS, "method": rules.one_of("rk4", "euler"), "damping": rules.NO_ENERGY,
           "inputs": rules.NO_ENERGY}
