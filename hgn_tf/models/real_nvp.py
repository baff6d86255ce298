"""RealNVP (Dinh et al. 2017) on TFP's own coupling bijector: the baseline of the paper's section 4."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from hgn_tf import networks
from hgn_tf.models.checks import check_count
from hgn_tf.models.density import DensityModel, in_chunks, new_seed
from hgn_tf.models.real_nvp_config import RealNVPConfig

tfb, tfd = tfp.bijectors, tfp.distributions
_LOG_SCALE_LIMIT = 5.0


@keras.saving.register_keras_serializable(package="hgn_tf")
class RealNVP(DensityModel):
  """y = (x_1, x_2 exp(s(x_1)) + t(x_1)) in alternating halves, from N(0, 1); its density is exact.

  >>> model = RealNVP(RealNVPConfig())
  >>> model.fit(points)
  >>> model.log_prob(points), model.sample(1000)

  Args:
    config: RealNVPConfig, or its dict.
  """

  config_class = RealNVPConfig

  def __init__(self, config=RealNVPConfig(), **kwargs):  # noqa: B008, frozen
    super().__init__(config, **kwargs)
    config = self.config
    first = config.event_size // 2
    # tfb.RealNVP leaves the first num_masked units alone; where that is negative, the last ones.
    self.masked = [first if i % 2 else first - config.event_size for i in range(config.layers)]
    self.conditioners = [self._conditioner(abs(masked), i) for i, masked in enumerate(self.masked)]
    self.add_step_counter()
    self.build((None, config.event_size))

  def _conditioner(self, masked, i):
    net = networks.mlp(self.config.hidden, 2 * (self.config.event_size - masked), "relu", dtype=self.policy,
                       name=f"conditioner_{i}")
    net.build((None, masked))
    return net

  def distribution(self):
    """The density of standardised points, a tfp TransformedDistribution."""
    couplings = [tfb.RealNVP(num_masked=masked, shift_and_log_scale_fn=_shift_and_log_scale(net))
                 for masked, net in zip(self.masked, self.conditioners, strict=True)]
    base = tfd.MultivariateNormalDiag(tf.zeros(self.config.event_size, self.variable_dtype))
    return tfd.TransformedDistribution(base, tfb.Chain(couplings))

  def log_prob(self, points):
    """Log density, nats [batch].

    Raises:
      ValueError: points of another shape or not finite.
    """
    return in_chunks(lambda chunk, _: self._log_prob(chunk), self.given(points))

  def sample(self, n, seed=None):
    """`n` points [n, d] from the model.

    Args:
      n: at least 1.
      seed: int, or None for a new one at each call.
    """
    check_count("n", n)
    start = tf.random.stateless_normal([n, self.config.event_size], new_seed(seed), dtype=self.variable_dtype)
    return in_chunks(lambda chunk, _: self._generate(chunk), start)

  def generate(self, start):
    """Points [batch, d] that standard normal noise [batch, d] is mapped to."""
    return self.restore(self.distribution().bijector.forward(start))

  def density(self, points):
    """As `log_prob`, without checks, for use inside a tf.function."""
    return self.distribution().log_prob(self.standardise(points)) - self.log_volume(points)

  def call(self, points):
    """The log density of points, nats [batch]."""
    return self.density(points)

  def bound(self, points, seed):
    del seed  # exact
    return self.density(points)

  @tf.function(reduce_retracing=True, autograph=False)
  def _log_prob(self, points):
    return self.density(points)

  @tf.function(reduce_retracing=True, autograph=False)
  def _generate(self, start):
    return self.generate(start)


def _shift_and_log_scale(net):
  def conditioner(x, output_units):
    shift, log_scale = tf.split(tf.cast(net(x), x.dtype), [output_units, output_units], axis=-1)
    return shift, _LOG_SCALE_LIMIT * tf.tanh(log_scale / _LOG_SCALE_LIMIT)
  return conditioner
