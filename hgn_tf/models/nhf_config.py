"""The configuration of a Neural Hamiltonian Flow."""

import dataclasses
import math

from hgn_tf.flows.standardisation import KINDS
from hgn_tf.mechanics.integrators import names
from hgn_tf.models import rules
from hgn_tf.models.config import Config


@dataclasses.dataclass(frozen=True)
class NHFConfig(Config):
  """Every choice that makes an NHF, as plain data.

  Flow:
    event_size: d of the points; the phase space has 2d dimensions.
    context_size: numbers that a density is conditioned on, p(q | context); 0 for none.
    joint: points are states [2d], positions before momenta, both observed: the density is exact, and there is no
      encoder.
    num_steps: integrator steps; method: a symplectic one of INTEGRATORS.
    energy: "mlp" (the paper: K and V both softplus MLPs) or "fixed_kinetic" (K = |p|^2 / 2m with a learned mass; it
      trains faster, docs/density.md).
    shared: one energy for all steps instead of one each.
    hidden: widths of the hidden layers of K and V.
    grid: (h, w, c) of points that are images, rows of h w c numbers: V is a sum of 3x3 convolutions of `hidden` filters
      then; takes "fixed_kinetic" and no context. Empty: V is an MLP.
    encoder: "normal" (the paper: a mean and a standard deviation, each an MLP) or "mixture" (one MLP to `components`
      Gaussians with full covariances, which the momenta are drawn evenly from; for a few dimensions).
    encoder_hidden: widths of the encoder's hidden layers.
    dt: of every step at the start; learn_dt: train it, one for each step.
    frequency: scale of the first layer's random weights of K and V, in radians per standard deviation of the points.
      With Keras' default (about 0.1 in two dimensions) an energy is a parabola for thousands of steps.
    mass: m of "fixed_kinetic" at the start.
    standardisation: of the points, before the flow: "affine" (mean 0, deviation 1), "marginal" (each coordinate made
      normal, by a spline through its quantiles) or "copula" (that, and without correlations; for tables of numbers).
    prior: "normal", N(0, 1), or "soft_uniform" with prior_width and prior_sharpness (the paper does not give them).
  Optimisation:
    train_samples: momenta per point in the bound that training maximises; 1 is the paper's ELBO (eq. 6).
    steps, batch_size, learning_rate, learning_rate_decay ("cosine" to 0 or "constant"), beta_2: of Adam.
    clip_norm: of the whole gradient.
    seed: of the noise in training.
  """

  name: str = "nhf"
  event_size: int = 2
  context_size: int = 0
  joint: bool = False
  num_steps: int = 2
  method: str = "leapfrog"
  energy: str = "fixed_kinetic"
  shared: bool = False
  hidden: tuple = (64, 64)
  grid: tuple = ()
  encoder: str = "normal"
  components: int = 4
  encoder_hidden: tuple = (64, 64)
  dt: float = 1.0
  learn_dt: bool = True
  frequency: float = 8.0
  mass: float = 5.0
  standardisation: str = "affine"
  prior: str = "normal"
  prior_width: float = 3.0
  prior_sharpness: float = 5.0
  train_samples: int = 16
  steps: int = 2_000
  batch_size: int = 128
  learning_rate: float = 4e-3
  learning_rate_decay: str = "cosine"
  beta_2: float = 0.999
  clip_norm: float = 10.0
  seed: int = 0

  RULES = {
      "event_size": rules.at_least(1),
      "context_size": rules.at_least(0),
      "num_steps": rules.at_least(1),
      "method": rules.one_of(*names("symplectic")),
      "energy": rules.one_of("mlp", "fixed_kinetic"),
      "grid": rules.WIDTHS,
      "encoder": rules.one_of("normal", "mixture"),
      "components": rules.at_least(1),
      "encoder_hidden": rules.WIDTHS,
      "beta_2": rules.within(0.0, 1.0),
      "frequency": rules.POSITIVE,
      "mass": rules.POSITIVE,
      "standardisation": rules.one_of(*KINDS),
      "prior": rules.one_of("normal", "soft_uniform"),
      "prior_width": rules.POSITIVE,
      "prior_sharpness": rules.POSITIVE,
      "train_samples": rules.at_least(1),
  }

  def __post_init__(self):
    super().__post_init__()
    if not self.grid:
      return
    if len(self.grid) != 3 or math.prod(self.grid) != self.event_size:
      raise ValueError(f"grid must be (h, w, c) of event_size={self.event_size} numbers, got {self.grid}.")
    for name, needed in (("energy", "fixed_kinetic"), ("context_size", 0)):
      if getattr(self, name) != needed:
        raise ValueError(f"grid={self.grid} needs {name}={needed!r}, got {getattr(self, name)!r}.")
