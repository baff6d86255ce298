"""The configuration of an HGN: architecture, dynamics, objective, optimisation."""

import dataclasses

from hgn_tf.mechanics.integrators import INTEGRATORS, names
from hgn_tf.models import rules
from hgn_tf.models.config import Config


@dataclasses.dataclass(frozen=True)
class HGNConfig(Config):
  """Every choice that makes an HGN, as plain data.

  Architecture (paper section 3, A.1, the authors' released configuration):
    num_frames, size, channels: of the input sequence; a square image whose size is a multiple of 8.
    encoder: (filters, kernel, stride) each; the last has twice the channels of z; the strides take size to size / 8.
    transform: f_psi, (filters, kernel, stride) each; the last has the channels of (q, p); empty: z is the state.
    energy: (filters, kernel, stride) each of the nets V(q) and K(p).
    energy_kind: "separable" (H = K(p) + V(q)), "fixed_kinetic" (|p|^2 / 2 + V(q): V alone is learned), "joint" (one net
      of q and p) or "mass_matrix" (p^T M(q)^-1 p / 2 + V(q), a matrix at each place of the grid). The last two take a
      method that needs no separable energy.
    factor_hidden: widths of the hidden layers of the Cholesky factor of M(q)^-1.
    decoder: "constant" (released) or "residual" (appendix A.1).
    decoder_filters: width of the decoder.
  Dynamics:
    method: name in INTEGRATORS; dt: time between frames.
    energy_residual: add |q|^2/2 and |p|^2/2, so that states move from the first step on.
  Objective:
    deterministic: the mean of the posterior and no KL (Table 1, "HGN determ").
    kappa: tolerated pixel MSE; must lie above the noise floor of the data.
    multiplier, multiplier_bounds, multiplier_rate, multiplier_decay: of GECO.
    kl_warmup: (first, last) step of a linear rise of the KL's weight from 0 to 1; None: 1 from the start.
    log_std_offset: of the posterior; -4 starts it narrow.
    log_std_rise: (first, last) step of a linear rise of the offset to 0, which widens the posterior to the prior
      wherever the frames say nothing; None: the KL alone has to.
    frames_per_step: random frames decoded in a training step; None: all.
    horizon_steps: steps for the horizon of training frames to grow by one, from 2; 0: all frames from the start.
    prior_rank, prior_components: directions and Gaussians of the mixture that is fitted to encoded films after
      training, for samples; rank 0: the prior stays N(0, 1).
  Optimisation:
    steps, batch_size, learning_rate: of Adam; learning_rate_decay: "cosine" to 0 or "constant".
    warmup_steps: of a linear rise of the learning rate.
    clip_norm: of the whole gradient of the squared error of a frame; None: no clipping.
    kernel_initializer: of the ReLU and leaky convolutions.
    centre_frames: the encoder sees frames less the mean frame of the first batch, over their standard deviation.
    precision: "float32", "mixed_bfloat16" (encoder and decoder only) or "auto" (bfloat16 where it is native).
    seed: of weights, data order and noise.
  """

  name: str = "hgn"
  num_frames: int = 31
  size: int = 32
  channels: int = 3
  encoder: tuple = ((32, 2, 2), (64, 4, 1), (64, 2, 2), (64, 4, 1), (64, 2, 2), (64, 4, 1))
  transform: tuple = ((64, 3, 1), (64, 3, 1), (64, 3, 1), (64, 3, 1), (32, 3, 1))
  energy: tuple = ((32, 3, 1), (64, 2, 2), (64, 2, 1), (64, 2, 2), (1, 2, 1))
  energy_kind: str = "separable"
  factor_hidden: tuple = (64,)
  decoder: str = "constant"
  decoder_filters: int = 64
  method: str = "leapfrog"
  dt: float = 0.125
  energy_residual: bool = True
  deterministic: bool = False
  kappa: float = 5e-4
  multiplier: float = 1e3
  multiplier_bounds: tuple = (1.0, 1e3)
  multiplier_rate: float = 0.01
  multiplier_decay: float = 0.99
  kl_warmup: tuple | None = (300, 800)
  log_std_offset: float = -4.0
  log_std_rise: tuple | None = (300, 900)
  frames_per_step: int | None = 4
  horizon_steps: int = 12
  prior_rank: int = 16
  prior_components: int = 64
  steps: int = 15_000
  batch_size: int = 16
  learning_rate: float = 1e-3
  learning_rate_decay: str = "cosine"
  warmup_steps: int = 0
  clip_norm: float | None = 20.0
  kernel_initializer: str = "he_normal"
  centre_frames: bool = True
  precision: str = "float32"
  seed: int = 0

  RULES = {
      "num_frames": rules.at_least(2),
      "size": rules.multiple_of(8),
      "channels": rules.at_least(1),
      "encoder": rules.CONVS,
      "transform": rules.CONVS,
      "energy": rules.CONVS,
      "energy_kind": rules.one_of("separable", "fixed_kinetic", "joint", "mass_matrix"),
      "factor_hidden": rules.WIDTHS,
      "decoder": rules.one_of("constant", "residual"),
      "decoder_filters": rules.at_least(1),
      "method": rules.one_of(*INTEGRATORS),
      "kappa": rules.POSITIVE,
      "multiplier": rules.POSITIVE,
      "multiplier_bounds": rules.BOUNDS,
      "multiplier_rate": rules.at_least(0),
      "multiplier_decay": rules.within(0, 1),
      "kl_warmup": rules.RISE,
      "log_std_rise": rules.RISE,
      "frames_per_step": rules.at_least(1),
      "horizon_steps": rules.at_least(0),
      "prior_rank": rules.at_least(0),
      "prior_components": rules.at_least(1),
      "kernel_initializer": rules.INITIALIZER,
  }

  def __post_init__(self):
    super().__post_init__()
    self._check("encoder", rules.to_an_eighth(self.size, multiple=2 if self.transform else 4))
    self._check("transform", rules.SAME_SIZE)
    self._check("energy", rules.NOT_EMPTY)
    if self.frames_per_step is not None:
      self._check("frames_per_step", rules.within(1, self.num_frames))
    if not self.separates and INTEGRATORS[self.method].needs_separable:
      raise ValueError(f"method={self.method!r} needs energy_kind 'separable' or 'fixed_kinetic', got "
                       f"{self.energy_kind!r}; {', '.join(names('needs_separable', False))} take any.")

  @property
  def separates(self):
    """Whether H = K(p) + V(q)."""
    return self.energy_kind in ("separable", "fixed_kinetic")

  @property
  def grid(self):
    """Side of the grid of z, q and p."""
    return self.size // 8

  @property
  def latent_channels(self):
    """Channels of z."""
    return self.encoder[-1][0] // 2

  @property
  def frame_shape(self):
    """(num_frames, size, size, channels)."""
    return (self.num_frames, self.size, self.size, self.channels)

  @property
  def latent_shape(self):
    """Of z."""
    return (self.grid, self.grid, self.latent_channels)

  @property
  def state_shape(self):
    """Of q and of p."""
    channels = self.transform[-1][0] if self.transform else self.latent_channels
    return (self.grid, self.grid, channels // 2)

  @property
  def seen_shape(self):
    """Shape of the frames that the encoder sees, the first of a film."""
    return self.frame_shape
