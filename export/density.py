"""A density model as a Servable: log densities and samples, each row by its own seed."""

import dataclasses

import tensorflow as tf

from export.common import Servable, Signature
from export.status import Status, blank, finite_rows, status_of
from hgn_tf.models import NHF
from hgn_tf.models.density import DensityModel
from hgn_tf.models.nhf import average_weight

NUM_SAMPLES = 128


def servable(model, *, num_samples=NUM_SAMPLES):
  """An NHF or a RealNVP as a `Servable`.

  Signatures: `log_prob` (also `serving_default`) and `elbo` take points float32 [N, d] and, of an NHF, a seed int32
  [N, 2]; `sample` takes a seed. Row i is a function of its own inputs alone.

  Args:
    model: NHF or RealNVP.
    num_samples: momenta per point in the bounds of an NHF.

  Raises:
    ValueError: num_samples below 1, or another model.
  """
  if not isinstance(model, DensityModel):
    raise ValueError(f"model must be an NHF or a RealNVP, got {type(model).__name__}.")
  if num_samples < 1:
    raise ValueError(f"num_samples must be at least 1, got {num_samples}.")
  flow = isinstance(model, NHF)
  functions = Bounds(model, num_samples) if flow else Exact(model)
  points, seed = _rows(tf.float32, model.config.event_size), _rows(tf.int32, 2)
  inputs = {"points": points, "seed": seed} if flow else {"points": points}
  log_prob, sample = Signature(functions.log_prob, inputs), Signature(functions.sample, {"seed": seed})
  signatures = {"serving_default": log_prob, "log_prob": log_prob, "sample": sample}
  if flow:
    signatures["elbo"] = Signature(functions.elbo, inputs)
  metadata = {"kind": "nhf" if flow else "real_nvp", "model": model.config.name,
              "num_samples": num_samples if flow else 1, "event_size": model.config.event_size}
  return Servable(signatures, [*model.weights], metadata)


def _rows(dtype, size):
  return tf.TensorSpec([None, size], dtype)


@dataclasses.dataclass(frozen=True, eq=False)
class Bounds:
  """The functions behind an NHF's signatures.

  Attributes:
    model: NHF.
    num_samples: momenta per point.
  """

  model: NHF
  num_samples: int

  def log_prob(self, points, seed):
    """Importance-weighted bound of the log density, nats [N]."""
    return self._bound(points, seed, average_weight, "log_prob")

  def elbo(self, points, seed):
    """Evidence lower bound, nats [N]."""
    return self._bound(points, seed, lambda weights: tf.reduce_mean(weights, axis=1), "elbo")

  def sample(self, seed):
    """One point [N, d] per seed."""
    start = _per_row(lambda s: self.model.prior.sample(seed=s), seed, [2 * self.model.config.event_size])
    return _sampled(self.model.generate(start))

  def _bound(self, points, seed, reduce, name):
    status = status_of((~finite_rows(points), Status.NOT_FINITE))
    noise = row_noise(seed, [self.num_samples, self.model.config.event_size])
    value = reduce(self.model.log_weights(blank(points, status == 0), noise))
    return _answer(status, **{name: value})


@dataclasses.dataclass(frozen=True, eq=False)
class Exact:
  """The functions behind a RealNVP's signatures.

  Attributes:
    model: RealNVP.
  """

  model: DensityModel

  def log_prob(self, points):
    """Log density, nats [N]."""
    status = status_of((~finite_rows(points), Status.NOT_FINITE))
    return _answer(status, log_prob=self.model.density(blank(points, status == 0)))

  def sample(self, seed):
    """One point [N, d] per seed."""
    return _sampled(self.model.generate(row_noise(seed, [self.model.config.event_size])))


def row_noise(seed, shape):
  """Standard normal [N, *shape]; row i depends on seed[i] alone.

  Args:
    seed: int32 [N, 2].
    shape: of a row.
  """
  return _per_row(lambda s: tf.random.stateless_normal(shape, s, alg="philox"), seed, shape)


def _per_row(function, seed, shape):
  return tf.map_fn(function, seed, fn_output_signature=tf.TensorSpec(shape, tf.float32))


def _sampled(points):
  return _answer(tf.zeros(tf.shape(points)[:1], tf.int32), points=points)


def _answer(status, **outputs):
  """Adds valid and status; zeros in the rows that are not OK, or whose answer overflowed."""
  finite = tf.reduce_all([finite_rows(x[:, None]) for x in outputs.values()], axis=0)
  status = tf.where((status == 0) & ~finite, int(Status.DIVERGED), status)
  ok = status == 0
  return {**{key: blank(x, ok) for key, x in outputs.items()}, "valid": ok, "status": status}
