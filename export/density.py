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
  [N, 2]; `sample` takes a seed. A conditional NHF also takes a context float32 [N, c] in each. A `joint` one has states
  [N, 2d] for points and no `elbo`: its log density is exact and takes no seed. Row i is a function of its own inputs
  alone.

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
  bounded = flow and not model.config.joint
  functions = Bounds(model, num_samples) if bounded else Exact(model)
  points, seed = {"points": _rows(tf.float32, model.point_size)}, {"seed": _rows(tf.int32, 2)}
  context = {"context": _rows(tf.float32, model.context_size)} if model.context_size else {}
  inputs = {**points, **(seed if bounded else {}), **context}
  log_prob, sample = Signature(functions.log_prob, inputs), Signature(functions.sample, {**seed, **context})
  signatures = {"serving_default": log_prob, "log_prob": log_prob, "sample": sample}
  if bounded:
    signatures["elbo"] = Signature(functions.elbo, inputs)
  metadata = {"kind": "nhf" if flow else "real_nvp", "model": model.config.name,
              "num_samples": num_samples if bounded else 1, "event_size": model.config.event_size,
              "context_size": model.context_size, "joint": flow and model.config.joint}
  return Servable(signatures, [*model.weights], metadata)


def _rows(dtype, size):
  return tf.TensorSpec([None, size], dtype)


class _Functions:
  """What the functions of all density models share; `model` is one."""

  def sample(self, seed, context=None):
    """One point [N, d] per seed, and context of a conditional density."""
    status = _status(tf.cast(seed, tf.float32), context)
    start = _per_row(self._start, seed, self._start_shape)
    return _answer(status, points=self.model.generate(start, *_given(context, status)))


@dataclasses.dataclass(frozen=True, eq=False)
class Bounds(_Functions):
  """The functions behind the signatures of an NHF of positions.

  Attributes:
    model: NHF.
    num_samples: momenta per point.
  """

  model: NHF
  num_samples: int

  def log_prob(self, points, seed, context=None):
    """Importance-weighted bound of the log density, nats [N]."""
    return self._bound(points, seed, context, average_weight, "log_prob")

  def elbo(self, points, seed, context=None):
    """Evidence lower bound, nats [N]."""
    return self._bound(points, seed, context, lambda weights: tf.reduce_mean(weights, axis=1), "elbo")

  def _bound(self, points, seed, context, reduce, name):
    status = _status(points, context)
    noise = row_noise(seed, [self.num_samples, self.model.config.event_size])
    value = reduce(self.model.log_weights(blank(points, status == 0), noise, *_given(context, status)))
    return _answer(status, **{name: value})

  @property
  def _start_shape(self):
    return [2 * self.model.config.event_size]

  def _start(self, seed):
    return self.model.prior.sample(seed=seed)


@dataclasses.dataclass(frozen=True, eq=False)
class Exact(_Functions):
  """The functions behind the signatures of a RealNVP, or of an NHF of states.

  Attributes:
    model: RealNVP, or an NHF that is `joint`.
  """

  model: DensityModel

  def log_prob(self, points, context=None):
    """Log density, nats [N]."""
    status = _status(points, context)
    return _answer(status, log_prob=self.model.density(blank(points, status == 0), *_given(context, status)))

  @property
  def _start_shape(self):
    return [self.model.point_size]

  def _start(self, seed):
    if isinstance(self.model, NHF):
      return self.model.prior.sample(seed=seed)
    return tf.random.stateless_normal(self._start_shape, seed, alg="philox")


def _status(inputs, context):
  return status_of((~finite_rows(inputs), Status.NOT_FINITE),
                   *([] if context is None else [(~finite_rows(context), Status.NOT_FINITE)]))


def _given(context, status):
  """The context, where there is one, with zeros in the rows that are not OK."""
  return () if context is None else (blank(context, status == 0),)


def row_noise(seed, shape):
  """Standard normal [N, *shape]; row i depends on seed[i] alone.

  Args:
    seed: int32 [N, 2].
    shape: of a row.
  """
  return _per_row(lambda s: tf.random.stateless_normal(shape, s, alg="philox"), seed, shape)


def _per_row(function, seed, shape):
  return tf.map_fn(function, seed, fn_output_signature=tf.TensorSpec(shape, tf.float32))


def _answer(status, **outputs):
  """Adds valid and status; zeros in the rows that are not OK, or whose answer overflowed."""
  finite = tf.reduce_all([finite_rows(x[:, None]) for x in outputs.values()], axis=0)
  status = tf.where((status == 0) & ~finite, int(Status.DIVERGED), status)
  ok = status == 0
  return {**{key: blank(x, ok) for key, x in outputs.items()}, "valid": ok, "status": status}
