import numpy as np
import tensorflow as tf
import tiny

from hgn_tf.models import HGN
from hgn_tf.prior import GaussianPrior

_SHAPE = (2, 2, 3)


def prior(rank=4):
  layer = GaussianPrior(rank)
  layer.build((None, *_SHAPE))
  return layer


def noise(n):
  return tf.random.stateless_normal((n, *_SHAPE), (0, 1))


class GaussianPriorTest(tf.test.TestCase):

  def test_is_standard_normal_until_it_is_fitted(self):
    self.assertAllEqual(prior()(noise(5)), noise(5))

  def test_fitted_it_has_the_mean_and_covariance_of_the_latents(self):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 12)) + rng.normal(size=12)
    layer = prior()
    layer.fit(z.reshape(-1, *_SHAPE))
    drawn = layer(noise(200_000)).numpy().reshape(-1, 12)
    self.assertAllClose(drawn.mean(axis=0), z.mean(axis=0), atol=0.02)
    self.assertAllClose(np.cov(drawn.T), np.cov(z.T), atol=0.1)

  def test_keeps_the_leading_directions(self):
    z = np.random.default_rng(0).normal(size=(1000, 12)) * np.array([9.0, 5.0] + [0.1] * 10)
    layer = prior(rank=2)
    layer.fit(z.reshape(-1, *_SHAPE))
    self.assertAllClose(np.std(layer(noise(50_000)).numpy().reshape(-1, 12), axis=0)[:2], z.std(axis=0)[:2], rtol=0.05)

  def test_fewer_latents_than_directions(self):
    layer = prior()
    layer.fit(np.stack([np.zeros(_SHAPE), np.full(_SHAPE, 2.0)]))
    drawn = layer(noise(9)).numpy().reshape(-1, 12)
    self.assertAllClose(np.ptp(drawn, axis=1), np.zeros(9), atol=1e-5)

  def test_refuses(self):
    for z, message in ((np.zeros((1, *_SHAPE)), "at least 2 finite latents, got 1"),
                       (np.full((3, *_SHAPE), np.nan), "finite")):
      with self.assertRaisesRegex(ValueError, message):
        prior().fit(z)

  def test_an_hgn_samples_from_it(self):
    model = HGN(tiny.config())
    films = tf.random.stateless_uniform((6, *model.config.frame_shape), (0, 1))
    before = model.sample(4, seed=0)
    model.fit_prior([films[:4], films[4:]])
    means = model.encode(films).mean().numpy()
    self.assertAllClose(model.prior.mean, means.mean(axis=0), atol=1e-6)
    self.assertNotAllClose(model.sample(4, seed=0), before)
    self.assertAllEqual(model.sample(4, seed=0), model.sample(4, seed=0))


if __name__ == "__main__":
  tf.test.main()
