"""The configuration that HGNs with a vector for a state share."""

import dataclasses

from hgn_tf.models import rules
from hgn_tf.models.hgn_config import HGNConfig


@dataclasses.dataclass(frozen=True)
class WindowHGNConfig(HGNConfig):
  """Every choice that a `WindowHGN` adds to those of an HGN.

  Architecture:
    pairs: d of the state, q and p in R^d each.
    context: frames that the encoder sees, successive ones; the state that it infers is that of the middle one.
  """

  pairs: int = 1
  context: int = 16
  transform: tuple = ()

  RULES = {"pairs": rules.at_least(1)}

  def __post_init__(self):
    super().__post_init__()
    self._check("context", rules.within(1, self.num_frames))

  @property
  def latent_shape(self):
    return (2 * self.pairs,)

  @property
  def state_shape(self):
    return (self.pairs,)

  @property
  def middle(self):
    """The frame of a window whose state is inferred."""
    return self.context // 2

  @property
  def seen_shape(self):
    return (self.context, *self.frame_shape[1:])
