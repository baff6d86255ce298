"""What a density model puts outside its flow: bijectors from standardised points to points, measured on data."""

import dataclasses

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special

tfb = tfp.bijectors
KINDS = ("affine", "marginal", "copula")
BINS = 34  # of a spline: 32 between quantiles, and one for each tail
_LEAST_SLOPE = 1e-3  # of quantiles over those of a normal: data with levels have equal ones
_REACH = 4.0  # of a spline over the data: the tails' slopes are near 1, so that new outliers stay near
_SHRINKAGE = 0.05  # of correlations, towards none


@dataclasses.dataclass(frozen=True)
class Measured:
  """What standardises d coordinates; arrays or variables.

  Attributes:
    shift, scale: [d], of each.
    widths, heights, slopes: [d, BINS], [d, BINS], [d, BINS - 1], of a rational-quadratic spline of each from standard
      units to a normal; None where there is none.
    factor: [d, d], Cholesky factor of their correlations then; None where they are left alone.
  """

  shift: object
  scale: object
  widths: object = None
  heights: object = None
  slopes: object = None
  factor: object = None


def names(kind):
  """The attributes of `Measured` that a kind has."""
  return [field.name for field in dataclasses.fields(Measured)][:{"affine": 2, "marginal": 5, "copula": 6}[kind]]


def shape(name, size):
  """That of an attribute of `Measured`, of so many coordinates."""
  return {"widths": (size, BINS), "heights": (size, BINS), "slopes": (size, BINS - 1),
          "factor": (size, size)}.get(name, (size,))


def neutral(size):
  """A `Measured` that changes nothing."""
  ones = np.ones((size, BINS))
  return Measured(np.zeros(size), np.ones(size), ones, ones, ones[:, 1:], np.eye(size))


def measure(points, kind):
  """The `Measured` of points [n, d] by which they have mean 0 and deviation 1, and more by the kind.

  "affine" does no more; "marginal" makes each coordinate normal, by a spline through its quantiles; "copula" takes the
  correlations of these out as well.
  """
  points = np.asarray(points, np.float64)
  deviation = points.std(axis=0)
  affine = Measured(points.mean(axis=0), np.where(deviation > 0, deviation, 1.0))
  if kind == "affine":
    return affine
  marginal = dataclasses.replace(affine, **_spline((points - affine.shift) / affine.scale))
  if kind == "marginal":
    return marginal
  white = coordinates(marginal).inverse(points).numpy()
  correlations = (1.0 - _SHRINKAGE) * np.cov(white.T).reshape(2 * [white.shape[1]])
  return dataclasses.replace(marginal, factor=np.linalg.cholesky(correlations + _SHRINKAGE * np.eye(white.shape[1])))


def coordinates(measured):
  """The bijector from standardised points to points, elementwise but for correlations."""
  chain = [tfb.Shift(measured.shift), tfb.Scale(measured.scale)]
  if measured.widths is not None:
    widths = tf.convert_to_tensor(measured.widths)
    chain.append(tfb.Invert(tfb.RationalQuadraticSpline(widths, measured.heights, measured.slopes,
                                                        range_min=-0.5 * tf.reduce_sum(widths[0]))))
  if measured.factor is not None:
    chain.append(tfb.ScaleMatvecTriL(measured.factor))
  return tfb.Chain(chain)


def _spline(x):
  """Knots from quantiles of x [n, d] to those of a normal: as many over each part of the normal, and equal tails."""
  highest = -special.ndtri(0.5 / len(x))
  normal = np.linspace(-highest, highest, BINS - 1)
  at = np.quantile(x, special.ndtr(normal), axis=0).T + _LEAST_SLOPE * (normal + highest)
  end = np.full((len(at), 1), _REACH * max(np.abs(at).max(), highest))  # beyond, the spline is the identity
  widths = np.diff(np.concatenate([-end, at, end], axis=1))
  heights = np.diff(np.concatenate([-end, np.broadcast_to(normal, at.shape), end], axis=1))
  slopes = heights / widths
  return {"widths": widths, "heights": heights, "slopes": np.sqrt(slopes[:, 1:] * slopes[:, :-1])}
