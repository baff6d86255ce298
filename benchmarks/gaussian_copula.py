"""What standardisation gives alone: a Gaussian copula, the flow that does nothing."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from hgn_tf.flows import standardisation


class GaussianCopula:
  """Normal coordinates, standardised by ranks and correlations; same interface as `ZukoFlow`."""

  steps, parameters = 0, 0

  def fit(self, x, parts, validation=None):
    """Measures points [n, d]; the mean negative log density of these, in nats, once."""
    del parts, validation
    coordinates = standardisation.coordinates(standardisation.measure(x, "copula"))
    normal = tfp.distributions.MultivariateNormalDiag(tf.zeros(x.shape[1], tf.float64))
    self.density = tfp.distributions.TransformedDistribution(normal, coordinates)
    return [-float(np.mean(self.log_prob(x)))]

  def log_prob(self, x):
    """Nats [n] of points [n, d]."""
    return self.density.log_prob(tf.cast(x, tf.float64)).numpy()

  def sample(self, n, seed):
    """Points [n, d]."""
    return self.density.sample(n, seed=(0, seed)).numpy()
