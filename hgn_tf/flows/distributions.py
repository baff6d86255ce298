"""The soft-uniform prior, and 2-D target densities that are known exactly."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfb, tfd = tfp.bijectors, tfp.distributions


class SoftUniform(tfd.Distribution):
  """A uniform with soft edges, pi(s) = sigmoid(beta (s + sigma/2)) sigmoid(-beta (s - sigma/2)) / Z (paper 3.3).

  Z = sigma / (1 - exp(-beta sigma)), exactly. For a = beta (s + sigma/2) and b = beta (s - sigma/2), the identity
  sigmoid(a) sigmoid(-b) (1 - exp(b - a)) = sigmoid(a) - sigmoid(b) and a - b = beta sigma give
  pi(s) = [F(s + sigma/2) - F(s - sigma/2)] / sigma, F the cumulative of Logistic(0, 1/beta). That is the density of
  Uniform(-sigma/2, sigma/2) + Logistic(0, 1/beta), which integrates to 1; a sample is the sum of the two.

  Args:
    width: sigma, distance between the two edges where the density is half its plateau; > 0, any shape.
    sharpness: beta, inverse width of an edge; > 0, broadcasts with `width`.
    validate_args: as in every tfp distribution.
    allow_nan_stats: as in every tfp distribution.
    name: of the distribution.

  Raises:
    ValueError: width or sharpness known and not positive.
  """

  def __init__(self, width=1.0, sharpness=10.0, *, validate_args=False, allow_nan_stats=True, name="SoftUniform"):
    parameters = dict(locals())
    dtype = next((x.dtype for x in (width, sharpness) if hasattr(x, "dtype")), tf.float32)
    self.width, self.sharpness = tf.convert_to_tensor(width, dtype), tf.convert_to_tensor(sharpness, dtype)
    for key, value in (("width", self.width), ("sharpness", self.sharpness)):
      known = tf.get_static_value(value)
      if known is not None and not np.all(known > 0):
        raise ValueError(f"{key} must be positive, got {known}.")
    super().__init__(dtype=dtype, reparameterization_type=tfd.FULLY_REPARAMETERIZED, validate_args=validate_args,
                     allow_nan_stats=allow_nan_stats, parameters=parameters, name=name)

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return {key: tfp.util.ParameterProperties(default_constraining_bijector_fn=tfb.Softplus)
            for key in ("width", "sharpness")}

  def _event_shape(self):
    return tf.TensorShape([])

  def _event_shape_tensor(self):
    return tf.constant([], tf.int32)

  def _sample_n(self, n, seed=None):
    seeds = tfp.random.split_seed(seed, 2, salt="SoftUniform")
    half = tf.broadcast_to(self.width / 2, self.batch_shape_tensor())
    logistic = tfd.Logistic(tf.zeros_like(half), 1 / self.sharpness).sample(n, seed=seeds[1])
    return tfd.Uniform(-half, half).sample(n, seed=seeds[0]) + logistic

  def _log_prob(self, x):
    log_normaliser = tf.math.log(self.width) - tf.math.log(-tf.math.expm1(-self.sharpness * self.width))
    edges = tf.math.log_sigmoid(self.sharpness * (x + self.width / 2)) + tf.math.log_sigmoid(
        -self.sharpness * (x - self.width / 2))
    return edges - log_normaliser

  def _mean(self):
    return tf.zeros(self.batch_shape, self.dtype)

  def _variance(self):
    """Of the uniform and of the logistic: sigma^2 / 12 + pi^2 / (3 beta^2)."""
    return self.width**2 / 12 + (math.pi / self.sharpness)**2 / 3


class Twist(tfb.Bijector):
  """Turns each point of the plane by rate * radius: a rotation of every circle, so the volume is preserved.

  Args:
    rate: radians per unit of radius.
    name: of the bijector.
  """

  def __init__(self, rate, *, name="twist"):
    parameters = dict(locals())
    self.rate = rate
    super().__init__(forward_min_event_ndims=1, is_constant_jacobian=True, parameters=parameters, name=name)

  @classmethod
  def _parameter_properties(cls, dtype):
    return {}

  def _forward(self, x):
    return self._turn(x, self.rate)

  def _inverse(self, y):
    return self._turn(y, -self.rate)

  def _turn(self, x, rate):
    angle = rate * tf.norm(x, axis=-1)
    cos, sin = tf.cos(angle), tf.sin(angle)
    return tf.stack([cos * x[..., 0] - sin * x[..., 1], sin * x[..., 0] + cos * x[..., 1]], -1)

  def _forward_log_det_jacobian(self, x):
    return tf.zeros([], x.dtype)


def gaussians(centres, scale):
  """An even mixture of isotropic Gaussians at `centres` [n, 2] with standard deviation `scale`."""
  centres = tf.cast(np.asarray(centres), tf.float32)
  return _mixture(tfd.MultivariateNormalDiag(centres, tf.fill([2], tf.cast(scale, tf.float32))))


def _mixture(components):
  return tfd.MixtureSameFamily(tfd.Categorical(logits=tf.zeros(components.batch_shape)), components)


def _circle(n, radius, phase=0.0):
  angle = phase + 2 * np.pi * np.arange(n) / n
  return radius * np.stack([np.cos(angle), np.sin(angle)], -1)


def _two_moons(points=64):
  angle = np.pi * np.linspace(0, 1, points)
  moon = np.stack([np.cos(angle), np.sin(angle)], -1) - [0.5, 0.25]
  return gaussians(2 * np.concatenate([moon, -moon]), 0.2)


def _two_spirals(points=128):
  angle = 3 * np.pi * np.sqrt(np.linspace(0.02, 1, points))  # even along the arm
  arm = angle[:, None] * np.stack([-np.cos(angle), np.sin(angle)], -1) / 3
  return gaussians(np.concatenate([arm, -arm]), 0.15)


def _checkerboard():
  corners = np.array([(i, j) for i in range(4) for j in range(4) if (i + j) % 2 == 0]) * 2.0 - 4.0
  corners = tf.cast(corners, tf.float32)
  return _mixture(tfd.Independent(tfd.Uniform(corners, corners + 2.0), 1))


def _pinwheel(arms=5):
  angle = 2 * np.pi * np.arange(arms) / arms
  axes = np.stack([np.stack([np.cos(angle), np.sin(angle)], -1), np.stack([-np.sin(angle), np.cos(angle)], -1)], -1)
  straight = _mixture(tfd.MultivariateNormalTriL(
      tf.cast(2.2 * axes[:, :, 0], tf.float32), tf.linalg.cholesky(_covariance(axes, (0.6, 0.2)))))
  return tfd.TransformedDistribution(straight, Twist(0.5))


def _covariance(axes, scales):
  return tf.cast(axes @ np.diag(np.square(scales)) @ np.swapaxes(axes, 1, 2), tf.float32)


_TARGETS = {
    "gaussians2": lambda: gaussians([(-2, 0), (2, 0)], 0.35),
    "gaussians4": lambda: gaussians(_circle(4, 2 * np.sqrt(2), np.pi / 4), 0.35),
    "gaussians8": lambda: gaussians(_circle(8, 3.0), 0.35),
    "gaussians9": lambda: gaussians([(x, y) for x in (-2, 0, 2) for y in (-2, 0, 2)], 0.35),
    "ring": lambda: gaussians(_circle(128, 2.5), 0.2),
    "two_moons": _two_moons,
    "checkerboard": _checkerboard,
    "pinwheel": _pinwheel,
    "two_spirals": _two_spirals,
}
TARGETS = tuple(_TARGETS)


def target(name):
  """A tfp distribution on the plane whose `log_prob` is exact; curves are mixtures of close Gaussians along them.

  Args:
    name: one of `TARGETS`: Gaussian mixtures of 2, 4, 8 and 9 modes with standard deviation 0.35, a ring, two moons,
      a checkerboard, a pinwheel and two spirals, all within about [-4, 4]^2.

  Raises:
    ValueError: unknown name; the message lists the known ones.
  """
  if name not in _TARGETS:
    raise ValueError(f"Unknown target name={name!r}; known: {', '.join(TARGETS)}.")
  return _TARGETS[name]()
