"""A mixture of Gaussians that importance samples are drawn from, evenly over its components."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions
_LOG_2_PI = float(np.log(2 * np.pi))


class GaussianMixture:
  """f(p) = sum_m pi_m N(p; mu_m, L_m L_m^T), L_m = diag(exp s_m) (1 + R_m), R_m strictly lower triangular.

  Args:
    numbers: [batch, components * numbers_per_component(size)], all of it unconstrained.
    size: d of p.
    components: how many.
    log_scale_limit: the s_m lie within plus and minus this.
  """

  def __init__(self, numbers, size, components, log_scale_limit):
    self.size, self.components = size, components
    numbers = tf.reshape(numbers, [-1, components, numbers_per_component(size)])
    self.mean, log_scale, self.lower, logits = tf.split(numbers, [size, size, size * (size - 1) // 2, 1], axis=-1)
    self.log_scale = log_scale_limit * tf.tanh(log_scale / log_scale_limit)
    self.log_share = tf.nn.log_softmax(logits[..., 0], axis=-1)

  def draw(self, noise):
    """Points p_k = mu_m + L_m noise_k of the components m = k mod components, and log (f(p_k) / (share of p_k)).

    The share is pi_m times draws over draws of m, so that mean_k g(p_k) / weight_k is an estimate of the integral of g
    from strata: unbiased where all components are drawn from, too small where some are not.

    Args:
      noise: standard normal, [batch, draws, d].

    Returns:
      (p [batch, draws, d], nats [batch, draws]).
    """
    draws = tf.shape(noise)[1]
    of = tf.range(draws) % self.components
    mean, log_scale, lower, log_share = (
        tf.gather(x, of, axis=1) for x in (self.mean, self.log_scale, self.lower, self.log_share))
    columns = tf.unstack(noise, num=self.size, axis=-1)
    mixed = [sum((lower[..., self._at(i, j)] * columns[j] for j in range(i)), columns[i]) for i in range(self.size)]
    p = mean + tf.exp(log_scale) * tf.stack(mixed, axis=-1)
    drawn = tf.gather((draws - tf.range(self.components) + self.components - 1) // self.components, of)
    return p, self.log_prob(p) - log_share - tf.math.log(tf.cast(draws, p.dtype) / tf.cast(drawn, p.dtype))

  def log_prob(self, p):
    """Log density of p [batch, draws, d], nats [batch, draws]."""
    scaled = (p[:, :, None] - self.mean[:, None]) * tf.exp(-self.log_scale)[:, None]
    white = []
    for i, column in enumerate(tf.unstack(scaled, num=self.size, axis=-1)):
      white.append(column - sum(self.lower[:, None, :, self._at(i, j)] * white[j] for j in range(i)))
    squares = sum(column ** 2 for column in white) + self.size * _LOG_2_PI
    log_volume = tf.reduce_sum(self.log_scale, axis=-1)[:, None]
    return tf.reduce_logsumexp(self.log_share[:, None] - log_volume - 0.5 * squares, axis=-1)

  def distribution(self):
    """The same as a tfp distribution with batch shape [batch] and event shape [d]."""
    components = tfd.MultivariateNormalTriL(self.mean, tf.exp(self.log_scale)[..., None] * self._matrix())
    return tfd.MixtureSameFamily(tfd.Categorical(logits=self.log_share), components)

  def _matrix(self):
    """1 + R, [batch, components, d, d]."""
    zero, one = tf.zeros_like(self.mean[..., 0]), tf.ones_like(self.mean[..., 0])
    entry = lambda i, j: one if i == j else self.lower[..., self._at(i, j)] if j < i else zero  # noqa: E731
    return tf.stack([tf.stack([entry(i, j) for j in range(self.size)], -1) for i in range(self.size)], -2)

  @staticmethod
  def _at(i, j):
    """The place of R's entry (i, j), j < i, among those below the diagonal."""
    return i * (i - 1) // 2 + j


def numbers_per_component(size):
  """Of a `GaussianMixture`: mean, log scales, what is below the diagonal, and a logit."""
  return 2 * size + size * (size - 1) // 2 + 1
