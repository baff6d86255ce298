"""The configuration of an HGN++."""

import dataclasses

from hgn_tf.models import rules
from hgn_tf.models.window_config import WindowHGNConfig


@dataclasses.dataclass(frozen=True)
class HGNPlusPlusConfig(WindowHGNConfig):
  """Every choice that makes an `HGNPlusPlus`, as plain data; the architecture is that of Botev et al. 2021.

  Architecture:
    encoder: convolutions (filters, kernel, stride), leaky ReLU after each; then a linear map to 2 `pairs` numbers.
    hidden: widths of the hidden layers of V(q) and K(p); activation: of them.
    decoder_filters: width of the decoder that a linear map of q goes through, from `grid` x `grid` x `decoder_inputs`.
  Objective:
    context: frames in, an odd number where `reverse` is; those after the window are predicted.
    reverse: every other film of a batch is read from its end: the window is its last frames, time runs backward.
    multiplier: 1 / beta of the beta-ELBO with a pixel's variance of 1/2: squared error + KL / multiplier, both over
      pixels and time. With `multiplier_rate` 0 it stays as it is.
  """

  name: str = "hgn_plus_plus"
  num_frames: int = 65
  pairs: int = 16
  context: int = 5
  encoder: tuple = ((64, 3, 2), (64, 3, 1)) * 3
  hidden: tuple = (250,) * 5
  activation: str = "silu"
  decoder_inputs: int = 16
  reverse: bool = True
  multiplier: float = 10.0
  multiplier_bounds: tuple = (1e-3, 1e6)
  multiplier_rate: float = 0.0
  kl_warmup: tuple | None = None
  log_std_rise: tuple | None = None
  frames_per_step: int | None = 12

  RULES = {
      "activation": rules.ACTIVATION,
      "decoder_inputs": rules.at_least(1),
      "energy_kind": rules.one_of("separable", "fixed_kinetic", "joint"),
  }

  def __post_init__(self):
    super().__post_init__()
    self._check("context", rules.within(1, self.num_frames - 1))
    if self.reverse:
      self._check("context", rules.Rule("odd, where reverse=True", lambda value: value % 2 == 1))
    if self.frames_per_step is not None:
      self._check("frames_per_step", rules.within(1, self.predicted))

  @property
  def predicted(self):
    """Frames after the window."""
    return self.num_frames - self.context
