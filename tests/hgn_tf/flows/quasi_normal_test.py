import numpy as np
import scipy.stats
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf.flows.quasi_normal import quasi_normal


class QuasiNormalTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters((1, 1, 1), (7, 2, 4), (128, 2, 4), (32, 64, 1))
  def test_every_number_is_normal(self, draws, size, strata):
    found = quasi_normal(4000, draws, size, tf.constant([3, 5]), strata).numpy()
    self.assertEqual(found.shape, (4000, draws, size))
    for column in (found[:, 0, 0], found[:, -1, -1]):  # over rows, whose shifts are independent
      self.assertGreater(scipy.stats.kstest(column, "norm").pvalue, 1e-3)
    self.assertTrue(np.isfinite(found).all())

  def test_means_err_less_than_those_of_independent_numbers(self):
    mean = lambda x: np.mean(np.cos(x[..., 0]) * np.exp(0.5 * x[..., 1]), axis=1)  # noqa: E731
    truth = np.exp(-0.5) * np.exp(0.125)
    spread = mean(quasi_normal(500, 128, 2, tf.constant([0, 1]), 4).numpy())
    independent = mean(tf.random.stateless_normal([500, 128, 2], [0, 1]).numpy())
    self.assertNear(spread.mean(), truth, 0.005)
    self.assertLess(np.std(spread - truth), 0.5 * np.std(independent - truth))

  def test_each_stratum_is_spread_evenly(self):
    found = quasi_normal(1, 64, 1, tf.constant([0, 7]), 4).numpy()[0, :, 0]
    for stratum in range(4):
      places = np.sort(scipy.stats.norm.cdf(found[stratum::4]))
      self.assertAllClose(np.diff(places), np.full(15, 1 / 16), atol=1e-5)

  def test_draws_are_a_tensor_and_doubles(self):
    made = tf.function(lambda draws: quasi_normal(2, draws, 3, tf.constant([0, 1]), 2, "float64"))(tf.constant(5))
    self.assertEqual((made.shape, made.dtype), ((2, 5, 3), tf.float64))


if __name__ == "__main__":
  tf.test.main()
