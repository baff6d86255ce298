import numpy as np
import tensorflow as tf
import tiny

from hgn_tf.models import HGN
from hgn_tf.models.prior import FILMS_PER_COMPONENT, MixturePrior

_SHAPE = (2, 2, 3)


def prior(rank=4, components=1):
  layer = MixturePrior(rank, components)
  layer.build((None, *_SHAPE))
  return layer


def noise(n):
  return tf.random.stateless_normal((n, *_SHAPE), (0, 1))


def draw(layer, n):
  return layer(noise(n)).numpy().reshape(n, -1)


class MixturePriorTest(tf.test.TestCase):

  def test_is_standard_normal_until_it_is_fitted(self):
    for layer in (prior(), prior(0), prior(components=5)):
      self.assertAllEqual(layer(noise(5)), noise(5))

  def test_one_component_has_the_mean_and_covariance_of_the_latents(self):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 12)) + rng.normal(size=12)
    layer = prior()
    layer.fit(z.reshape(-1, *_SHAPE))
    drawn = draw(layer, 200_000)
    self.assertAllClose(drawn.mean(axis=0), z.mean(axis=0), atol=0.02)
    self.assertAllClose(np.cov(drawn.T), np.cov(z.T), atol=0.1)

  def test_keeps_the_leading_directions(self):
    z = np.random.default_rng(0).normal(size=(1000, 12)) * np.array([9.0, 5.0] + [0.1] * 10)
    layer = prior(rank=2)
    layer.fit(z.reshape(-1, *_SHAPE))
    self.assertAllClose(np.std(draw(layer, 50_000), axis=0)[:2], z.std(axis=0)[:2], rtol=0.05)

  def test_components_follow_a_circle(self):
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, 2000)
    z = np.zeros((2000, 12))
    z[:, 3], z[:, 7] = 5 * np.cos(angles), 5 * np.sin(angles)
    spread = {}
    for components in (1, 32):
      layer = prior(components=components)
      layer.fit(z.reshape(-1, *_SHAPE))
      spread[components] = np.std(np.linalg.norm(draw(layer, 5000), axis=1))
    self.assertGreater(spread[1], 1.0)
    self.assertLess(spread[32], 0.2)

  def test_draws_components_as_often_as_the_latents_do(self):
    z = np.random.default_rng(0).normal(size=(1000, 12)) * 0.1
    z[:250, 0] += 9.0
    layer = prior(components=2)
    layer.fit(z.reshape(-1, *_SHAPE))
    self.assertAllClose(np.mean(draw(layer, 20_000)[:, 0] > 4.5), 0.25, atol=0.02)

  def test_few_latents_make_few_components(self):
    layer = prior(components=64)
    layer.fit(np.random.default_rng(0).normal(size=(2 * FILMS_PER_COMPONENT, *_SHAPE)))
    self.assertEqual(np.sum(np.any(layer.centres.numpy(), axis=1)), 2)

  def test_fewer_latents_than_directions(self):
    layer = prior()
    layer.fit(np.stack([np.zeros(_SHAPE), np.full(_SHAPE, 2.0)]))
    self.assertAllClose(np.ptp(draw(layer, 9), axis=1), np.zeros(9), atol=1e-5)

  def test_refuses(self):
    for z, message in ((np.zeros((1, *_SHAPE)), "at least 2 finite latents, got 1"),
                       (np.full((3, *_SHAPE), np.nan), "finite")):
      with self.assertRaisesRegex(ValueError, message):
        prior().fit(z)
    for change in ({"prior_rank": -1}, {"prior_components": 0}):
      with self.assertRaisesRegex(ValueError, "must be at least [01], got"):
        tiny.config(**change)

  def test_an_hgn_samples_from_it(self):
    model = HGN(tiny.config())
    films = tf.random.stateless_uniform((6, *model.config.frame_shape), (0, 1))
    before = model.sample(4, seed=0)
    model.fit_prior([films[:4], films[4:]])
    means = model.encode(films).mean().numpy()
    self.assertAllClose(model.prior.mean, means.reshape(6, -1).mean(axis=0), atol=1e-6)
    self.assertNotAllClose(model.sample(4, seed=0), before)
    self.assertAllEqual(model.sample(4, seed=0), model.sample(4, seed=0))
    for same in (films, films.numpy(), tf.data.Dataset.from_tensors((films,))):
      model.fit_prior(same)
      self.assertAllClose(model.prior.mean, means.reshape(6, -1).mean(axis=0), atol=1e-6)


class FewNumbersTest(tf.test.TestCase):

  def test_two_numbers_vary_in_both_directions(self):
    angle = np.linspace(0.0, 2.0 * np.pi, 4096, endpoint=False)
    ring = (2.0 + 0.1 * np.random.default_rng(0).normal(size=(4096, 1))) * np.stack([np.cos(angle), np.sin(angle)], 1)
    layer = MixturePrior(16, 64)
    layer.build((None, 2))
    layer.fit(ring)
    drawn = layer(tf.random.stateless_normal((8192, 2), (0, 1))).numpy()
    self.assertAllClose(drawn.mean(axis=0), [0.0, 0.0], atol=0.06)
    self.assertAllClose(np.cov(drawn.T), np.cov(ring.T), atol=0.08)
    radius = np.linalg.norm(drawn, axis=1)
    self.assertAllClose([radius.mean(), radius.std()], [2.0, 0.1], atol=0.02)


if __name__ == "__main__":
  tf.test.main()
