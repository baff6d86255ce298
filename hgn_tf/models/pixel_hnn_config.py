"""The configuration of a PixelHNN."""

import dataclasses

from hgn_tf.mechanics.integrators import INTEGRATORS, names
from hgn_tf.models import rules
from hgn_tf.models.config import Config
from hgn_tf.models.hgn_config import HGNConfig

WINDOW = 3  # frames of a training example: two pairs, one transition


@dataclasses.dataclass(frozen=True)
class PixelHNNConfig(Config):
  """Every choice that makes a PixelHNN, as plain data.

  Architecture:
    num_frames, size, channels: of the sequences; "conv" needs a size that is a multiple of 8.
    embedding: width of the code z = (q, p); the paper takes 2, 2, 8, 12 for its four systems.
    autoencoder: "mlp" (four layers) or "conv" (HGN's encoder and decoder with one linear layer each).
    hidden: width of the mlp's hidden layers.
    dynamics: "hnn", "separable" or "baseline", as in HNNConfig.
    dynamics_hidden: widths of its tanh layers.
    encoder: convolutions of "conv"; decoder_filters: width of its decoder.
    method: of rollouts: "solve_ivp" or a name in INTEGRATORS.
  Objective (A.3): L = autoencoder_weight L_AE + canonical_weight L_CC + dynamics_weight L_HNN + weight_decay |w|^2 / 2.
    derivative: z_{t+1} - z_t is dz/dt at z_t ("forward", the paper's) or at (z_t + z_{t+1}) / 2 ("midpoint").
  Optimisation:
    steps, batch_size, learning_rate, learning_rate_decay ("constant" or "cosine"): of Adam.
    seed: of weights and windows.
  """

  name: str = "pixel_hnn"
  num_frames: int = 31
  size: int = 32
  channels: int = 3
  embedding: int = 2
  autoencoder: str = "mlp"
  hidden: int = 200
  dynamics: str = "hnn"
  dynamics_hidden: tuple = (200, 200)
  encoder: tuple = HGNConfig.encoder
  decoder_filters: int = HGNConfig.decoder_filters
  method: str = "solve_ivp"
  autoencoder_weight: float = 1.0
  canonical_weight: float = 1.0
  dynamics_weight: float = 0.1
  weight_decay: float = 1e-5
  derivative: str = "forward"
  steps: int = 15_000
  batch_size: int = 64
  learning_rate: float = 1e-3
  learning_rate_decay: str = "constant"
  precision: str = "float32"
  seed: int = 0

  RULES = {
      "num_frames": rules.at_least(WINDOW),
      "size": rules.at_least(1),
      "channels": rules.at_least(1),
      "embedding": rules.multiple_of(2),
      "autoencoder": rules.one_of("mlp", "conv"),
      "hidden": rules.at_least(1),
      "dynamics": rules.one_of("hnn", "separable", "baseline"),
      "dynamics_hidden": rules.WIDTHS,
      "encoder": rules.CONVS,
      "decoder_filters": rules.at_least(1),
      "method": rules.one_of("solve_ivp", *INTEGRATORS),
      "autoencoder_weight": rules.at_least(0),
      "canonical_weight": rules.at_least(0),
      "dynamics_weight": rules.at_least(0),
      "derivative": rules.one_of("forward", "midpoint"),
  }

  def __post_init__(self):
    super().__post_init__()
    if self.autoencoder == "conv":
      self._check("size", rules.multiple_of(8))
      self._check("encoder", rules.to_an_eighth(self.size, multiple=4))
    if self.dynamics != "separable":
      self._check("method", rules.one_of("solve_ivp", *names("needs_separable", False)))

  @property
  def dt(self):
    """Time between frames, which PixelHNN counts in frames."""
    return 1.0

  @property
  def frame_shape(self):
    """(num_frames, size, size, channels)."""
    return (self.num_frames, self.size, self.size, self.channels)

  @property
  def pair_shape(self):
    """(size, size, 2 channels): a frame and the next one."""
    return (self.size, self.size, 2 * self.channels)
