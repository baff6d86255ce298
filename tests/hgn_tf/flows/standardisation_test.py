"""What standardises points: exact both ways, normal where it says so, and inside the models."""

import dataclasses
import pathlib

import keras
import numpy as np
import scipy.stats
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf.flows import standardisation
from hgn_tf.models import NHF, NHFConfig, RealNVP, RealNVPConfig

SMALL = {NHF: NHFConfig(event_size=3, hidden=(8,), encoder_hidden=(8,), num_steps=1, joint=False),
         RealNVP: RealNVPConfig(event_size=3, layers=2, hidden=(8,))}


def table(n=1500, seed=0):
  """Skewed, with levels, and with outliers; the second follows the first."""
  rng = np.random.default_rng(seed)
  skewed = rng.exponential(2.0, n)
  return np.stack([skewed, np.round(skewed) + 0.1 * rng.random(n), 100.0 + rng.standard_t(3, n)], 1)


class StandardisationTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.product(kind=standardisation.KINDS, dtype=("float32", "float64"))
  def test_goes_and_comes_back(self, kind, dtype):
    x = tf.constant(table(), dtype)
    measured = standardisation.measure(x, kind)
    found = standardisation.coordinates(dataclasses.replace(measured, **{
        name: tf.constant(getattr(measured, name), dtype) for name in standardisation.names(kind)}))
    far = tf.concat([x, 10.0 * x[:5]], 0)
    z = found.inverse(far)
    tolerance = 2e-4 if dtype == "float32" else 1e-10
    self.assertAllClose(found.forward(tf.identity(z)), far, rtol=tolerance, atol=tolerance)
    there = found.inverse_log_det_jacobian(far, event_ndims=1)
    back = found.forward_log_det_jacobian(tf.identity(z), event_ndims=1)
    self.assertAllClose(there + tf.zeros(len(far), dtype), -back + tf.zeros(len(far), dtype), atol=50 * tolerance)

  def test_log_det_is_that_of_the_jacobian(self):
    x = table()
    found = standardisation.coordinates(standardisation.measure(x, "copula"))
    point = tf.constant(x[:4])
    with tf.GradientTape() as tape:
      tape.watch(point)
      z = found.inverse(point)
    expected = np.linalg.slogdet(tape.batch_jacobian(z, point))[1]
    self.assertAllClose(found.inverse_log_det_jacobian(point, event_ndims=1), expected)

  def test_coordinates_become_normal_and_independent(self):
    x = table()
    self.assertLess(scipy.stats.normaltest(x[:, 0]).pvalue, 1e-6)
    for kind in ("marginal", "copula"):
      z = standardisation.coordinates(standardisation.measure(x, kind)).inverse(x).numpy()
      self.assertAllClose(np.mean(z, 0), np.zeros(3), atol=0.05)
      self.assertAllClose(np.std(z, 0), np.ones(3), atol=0.25)
      self.assertGreater(scipy.stats.normaltest(z[:, 0]).pvalue, 0.01)
      dependence = np.corrcoef(z.T)[0, 1]
      self.assertGreater(dependence, 0.8) if kind == "marginal" else self.assertLess(abs(dependence), 0.2)

  def test_new_outliers_stay_near(self):
    x = table()
    beyond = x.max(0) + 0.1 * (x.max(0) - x.min(0))
    z = standardisation.coordinates(standardisation.measure(x, "marginal")).inverse(beyond[None]).numpy()
    self.assertAllInRange(z, 3.0, 6.0)

  def test_one_coordinate_and_a_constant_one(self):
    for x in (table()[:, :1], np.ones((20, 2))):
      found = standardisation.coordinates(standardisation.measure(x, "copula"))
      self.assertAllClose(found.forward(tf.identity(found.inverse(x))), x)

  @parameterized.product(model=(NHF, RealNVP), kind=("marginal", "copula"))
  def test_of_a_model_is_kept_in_its_file(self, model, kind):
    keras.utils.set_random_seed(0)
    made, x = model(dataclasses.replace(SMALL[model], standardisation=kind)), table()
    made.adapt(x)
    path = pathlib.Path(self.get_temp_dir()) / "model.keras"
    made.save(path)
    copy = keras.saving.load_model(path)
    self.assertAllClose(copy(x[:5]), made(x[:5]), atol=1e-5)
    self.assertAllClose(made.restore(made.standardise(x[:50])), x[:50], rtol=1e-3, atol=1e-3)

  def test_density_of_a_model_integrates_to_one(self):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    model = NHF(NHFConfig(event_size=1, joint=True, hidden=(8,), num_steps=1, standardisation="copula"))
    position = rng.exponential(1.0, 2000)
    model.adapt(np.stack([position, position + rng.normal(0, 0.3, 2000)], 1))
    axes = [np.linspace(-12, 24, 721) + 0.025, np.linspace(-12, 24, 721) + 0.025]
    grid = np.stack(np.meshgrid(*axes), -1).reshape(-1, 2)
    self.assertAllClose(np.exp(model.log_prob(grid)).sum() * 0.05 ** 2, 1.0, atol=0.02)
    start = model.prior.sample(50, seed=(0, 1))
    states = tf.identity(model.phase_bijector().forward(start))
    self.assertAllClose(model.phase_bijector().inverse(states), start, atol=2e-3)

  def test_refuses_another_kind(self):
    for config in (NHFConfig, RealNVPConfig):
      with self.assertRaisesRegex(ValueError, "standardisation must be one of"):
        config(standardisation="ranks")


if __name__ == "__main__":
  tf.test.main()
