"""The configuration of a RealNVP."""

import dataclasses

from hgn_tf.flows.standardisation import KINDS
from hgn_tf.models import rules
from hgn_tf.models.config import Config


@dataclasses.dataclass(frozen=True)
class RealNVPConfig(Config):
  """Every choice that makes a RealNVP, as plain data.

  Flow:
    event_size: d of the points, at least 2.
    layers: affine couplings; the half that is left alone alternates.
    hidden: widths of the hidden ReLU layers of each conditioner.
    standardisation: of the points, before the flow: "affine", "marginal" or "copula", as of an NHF.
  Optimisation:
    steps, batch_size, learning_rate, learning_rate_decay ("cosine" to 0 or "constant"): of Adam.
    clip_norm: of the whole gradient.
  """

  name: str = "real_nvp"
  event_size: int = 2
  layers: int = 3
  hidden: tuple = (128, 128)
  standardisation: str = "affine"
  steps: int = 2_000
  batch_size: int = 512
  learning_rate: float = 1e-3
  learning_rate_decay: str = "cosine"
  clip_norm: float = 10.0
  seed: int = 0

  RULES = {
      "event_size": rules.at_least(2),  # a coupling halves it
      "standardisation": rules.one_of(*KINDS),
      "layers": rules.at_least(1),
  }
