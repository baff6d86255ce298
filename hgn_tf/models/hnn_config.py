"""The configuration of an HNN or its baseline."""

import dataclasses

from hgn_tf.models import rules
from hgn_tf.models.config import Config


@dataclasses.dataclass(frozen=True)
class HNNConfig(Config):
  """Every choice that makes an HNN or its baseline, as plain data.

  Architecture:
    model: "hnn" (one net, H(q, p), a joint energy), "separable" (two, K(p) + V(q)), "fixed_kinetic" (one,
      |p|^2 / 2m + V(q) with a known m, `mass`), "mass_matrix" (two, p^T M(q)^-1 p / 2 + V(q)), "bodies" (any number of
      equal ones, H = |p|^2 / 2m + the sum over pairs of v(ln |q_i - q_j|), with a learned m and one net v) or
      "baseline" (one, dx/dt itself).
    hidden: widths of the hidden layers of a net; activation: of them.
    field: "solenoidal" (Hamilton's equations), "conservative" (the gradient of a second scalar) or "both" summed;
      of "hnn" only.
    body_dimension: coordinates of a body, which follow each other in q; of "bodies".
    mass: m of "fixed_kinetic".
    damping: a learned friction beside Hamilton's equations, dp/dt = -dH/dq - gamma dH/dp; not of "baseline".
  Optimisation:
    steps, batch_size (None: all pairs), learning_rate: of Adam; learning_rate_decay: "constant" (the original) or
      "cosine" to 0, without which steps on batches end in their own noise.
    weight_decay: w adds w/2 |weights|^2 to the loss, as torch's Adam does.
    seed: of weights and data order.
  """

  name: str = "hnn"
  model: str = "hnn"
  hidden: tuple = (200, 200)
  activation: str = "tanh"
  field: str = "solenoidal"
  body_dimension: int = 2
  mass: float = 1.0
  damping: bool = False
  steps: int = 2_000
  batch_size: int | None = None
  learning_rate: float = 1e-3
  learning_rate_decay: str = "constant"
  weight_decay: float = 1e-4
  seed: int = 0

  RULES = {
      "model": rules.one_of("hnn", "separable", "fixed_kinetic", "mass_matrix", "bodies", "baseline"),
      "activation": rules.ACTIVATION,
      "field": rules.one_of("solenoidal", "conservative", "both"),
      "body_dimension": rules.at_least(1),
      "mass": rules.POSITIVE,
  }

  def __post_init__(self):
    super().__post_init__()
    if self.model != "hnn" and self.field != "solenoidal":
      raise ValueError(f"field={self.field!r} needs model='hnn', got model={self.model!r}.")
    if self.damping and (self.model == "baseline" or self.field != "solenoidal"):
      raise ValueError(f"damping needs Hamilton's equations, got model={self.model!r} and field={self.field!r}.")
