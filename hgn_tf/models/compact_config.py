"""The configuration of an HGN with a compact state."""

import dataclasses

from hgn_tf.mechanics.integrators import names
from hgn_tf.models import rules
from hgn_tf.models.window_config import WindowHGNConfig


@dataclasses.dataclass(frozen=True)
class CompactHGNConfig(WindowHGNConfig):
  """Every choice that makes a `CompactHGN`, as plain data.

  Architecture:
    maps, encoder_hidden: of `networks.WindowEncoder`.
    units, decoder_hidden, decoder_shifts: of `networks.CoordinateDecoder`.
    draw_difference: the decoder draws what differs from the mean frame of the first batch, a
      `networks.DifferenceDecoder`; for a ground of many colours. Takes `centre_frames`.
    potential_hidden, radii, powers: of V(q), a `networks.OscillatorEnergy`; of H(q, p) where `energy_kind` is "joint".
    kinetic_hidden: of K(p) likewise; empty: p^T M^-1 p / 2 with a learned mass matrix M.
    damping: learn friction, dp/dt = -dH/dq - D(q) dH/dp with a diagonal D; takes `energy_kind` "fixed_kinetic" and a
      symmetric method. damping_hidden: widths of the hidden layers of D; empty: softplus of a linear function.
    inputs: of a system that is driven, dp/dt + G(q) u(t): how many numbers u has; 0: none. `fit` then takes dicts of
      `frames` and `controls`, [batch, T, inputs]. The same energy_kind and methods as with damping. input_hidden:
      widths of the hidden layers of G; empty: a linear function.
    energy_gain: how many times as fast as the other networks the energies learn.
    activation: of V and K.
  Objective:
    frames_per_step, pixels_per_frame: random frames of each film, and pixels of each of them, in a training step;
      half of the pixels are drawn in proportion to how much they differ from the mean image, and weighted accordingly.
    horizon: (first, last) part of the training over which the frames that are trained on spread from `nearest` frames
      around the middle of the window to the whole film.
    nearest: see `horizon`.
    kappa: far below what is reached, so that the multiplier stays at its upper bound: a state as precise as the frames
      allow is what ends a rollout late.
  """

  name: str = "hgn_compact"
  maps: int = 12
  encoder_hidden: tuple = (96, 96)
  units: int = 32
  decoder_hidden: tuple = (64,)
  decoder_shifts: tuple = (64,)
  draw_difference: bool = False
  potential_hidden: tuple = (64, 64)
  radii: int = 16
  powers: int = 0
  energy_gain: float = 10.0
  kinetic_hidden: tuple = ()
  activation: str = "softplus"
  damping: bool = False
  damping_hidden: tuple = ()
  inputs: int = 0
  input_hidden: tuple = ()
  pixels_per_frame: int = 96
  horizon: tuple = (0.05, 0.6)
  nearest: int = 5
  kappa: float = 1e-6
  log_std_offset: float = -6.0
  log_std_rise: tuple | None = None
  kl_warmup: tuple | None = None
  frames_per_step: int | None = 12
  learning_rate: float = 3e-3
  warmup_steps: int = 100

  RULES = {
      "method": rules.one_of(*names("reversible")),  # back from the middle of a window, and on again
      "maps": rules.at_least(1),
      "encoder_hidden": rules.WIDTHS,
      "units": rules.at_least(1),
      "decoder_hidden": rules.WIDTHS,
      "decoder_shifts": rules.WIDTHS,
      "potential_hidden": rules.WIDTHS,
      "radii": rules.at_least(0),
      "powers": rules.at_least(0),
      "energy_gain": rules.POSITIVE,
      "kinetic_hidden": rules.WIDTHS,
      "activation": rules.ACTIVATION,
      "damping_hidden": rules.WIDTHS,
      "inputs": rules.at_least(0),
      "input_hidden": rules.WIDTHS,
      "pixels_per_frame": rules.at_least(1),
      "horizon": rules.PARTS,
      "nearest": rules.at_least(0),
  }

  def __post_init__(self):
    super().__post_init__()
    if self.draw_difference and not self.centre_frames:
      raise ValueError("draw_difference=True needs centre_frames=True, which takes the mean frame; got False.")
    for name in ("damping", "inputs"):
      value = getattr(self, name)
      if value and self.energy_kind != "fixed_kinetic":
        raise ValueError(f"{name}={value} needs energy_kind='fixed_kinetic', got {self.energy_kind!r}.")
      if value and self.method not in names("symmetric"):
        raise ValueError(f"{name}={value} needs a symmetric method, one of {', '.join(names('symmetric'))}, got "
                         f"{self.method!r}.")
