"""NHF and RealNVP: bounds against quadrature, training, samples, saving and bad input."""

import dataclasses
import functools
import json
import pathlib

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import parameterized

from hgn_tf.flows.distributions import target
from hgn_tf.models import NHF, NHFConfig, RealNVP, RealNVPConfig, density, presets

SMALL = NHFConfig(energy="mlp", hidden=(8, 8), encoder_hidden=(8, 8), train_samples=4, steps=20, batch_size=64)
NHF_CONFIGS = {
    "paper": dataclasses.replace(SMALL, prior="soft_uniform", train_samples=1),
    "fixed_kinetic": dataclasses.replace(SMALL, energy="fixed_kinetic", num_steps=1),
    "shared": dataclasses.replace(SMALL, shared=True, num_steps=3),
    "ruth4": dataclasses.replace(SMALL, method="ruth4", num_steps=1),
    "symplectic_euler": dataclasses.replace(SMALL, method="symplectic_euler", learn_dt=False),
    "grid": dataclasses.replace(SMALL, energy="fixed_kinetic", event_size=8, grid=(2, 2, 2), hidden=(3,)),
    "line": dataclasses.replace(SMALL, event_size=1),
}
RNVP_CONFIGS = {f"layers{n}": RealNVPConfig(layers=n, hidden=(8, 8), steps=20, batch_size=64) for n in (2, 3)}
CONFIGS = {**NHF_CONFIGS, **RNVP_CONFIGS}


def make(name):
  keras.utils.set_random_seed(0)
  config = CONFIGS[name]
  return (NHF if isinstance(config, NHFConfig) else RealNVP)(config)


@functools.cache
def trained(name):
  """(model, history) of a training that several tests look at and none changes."""
  model = make(name)
  return model, model.fit(points(640, CONFIGS[name].event_size), verbose=0).history


def points(n, d=2, seed=0):
  modes = np.random.default_rng(seed).choice([-2.0, 2.0], (n, d))
  return (modes + 0.35 * np.random.default_rng(seed + 1).standard_normal((n, d))).astype(np.float32)


def log_prob(model, x):
  return model.log_prob(x, num_samples=256, seed=1) if isinstance(model, NHF) else model.log_prob(x)


class DensityTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters("paper", "shared", "ruth4", "layers2")
  @pytest.mark.slow
  def test_fits_samples_and_survives_a_file(self, name):
    model, history = trained(name)
    x, loss = points(640, model.config.event_size), history["loss"]
    self.assertLess(loss[-1], loss[0])
    self.assertEqual(int(model.optimizer.iterations), 20)
    self.assertEqual(model.sample(10, seed=3).shape, (10, model.config.event_size))
    self.assertAllEqual(model.sample(10, seed=3), model.sample(10, seed=3))
    path = pathlib.Path(self.get_temp_dir()) / "model.keras"
    model.save(path)
    copy = keras.saving.load_model(path)
    self.assertAllClose(log_prob(copy, x[:20]), log_prob(model, x[:20]), atol=1e-5)
    self.assertAllClose(copy.sample(5, seed=1), model.sample(5, seed=1), atol=1e-5)

  def test_energy_of_a_grid_sees_neighbours(self):
    model = make("grid")
    x = points(3, 8)
    with tf.GradientTape() as tape:
      moved = tf.constant(x)
      tape.watch(moved)
      energy = model.potentials[0](moved)
    self.assertEqual(energy.shape, (3,))
    self.assertTrue(np.all(np.abs(tape.gradient(energy, moved)) > 0))
    kernel = model.potentials[0].net.layers[0].kernel
    self.assertEqual(kernel.shape, (3, 3, 2, 3))
    self.assertTrue(np.all(np.isfinite(model.log_prob(x, num_samples=4))))
    self.assertEqual(type(model).from_config(model.get_config()).config, model.config)

  @parameterized.parameters("fixed_kinetic", "layers3")
  @pytest.mark.slow
  def test_density_integrates_to_one(self, name):
    model, _ = trained(name)
    axis = np.linspace(-8, 8, 81)[:-1] + 0.1
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    self.assertAllClose(np.exp(log_prob(model, grid)).sum() * 0.04, 1.0, atol=1e-2)

  @pytest.mark.slow
  def test_samples_follow_log_prob(self):
    model = make("line")
    model.fit(points(640, 1), verbose=0)
    axis = np.linspace(-8, 8, 161)
    share, _ = np.histogram(model.sample(20_000, seed=0), axis)
    density = np.exp(model.log_prob(axis[:-1, None] + 0.05, num_samples=512, seed=0))
    self.assertAllClose(share / 20_000, density * 0.1, atol=4e-3)

  @parameterized.parameters("paper", "symplectic_euler")
  def test_bound_tightens_to_the_integral_over_momenta(self, name):
    keras.utils.set_random_seed(0)
    model, x = NHF(dataclasses.replace(CONFIGS[name], frequency=1.0)), points(3)
    model.adapt(points(640))
    axis = np.linspace(-14, 14, 281)
    p = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2).astype(np.float32)
    flow = model.hamiltonian_flow()  # the whole of it, last kick included
    exact = []
    for q in model.standardise(x).numpy():
      state = np.concatenate([np.tile(q, (len(p), 1)), p], 1)
      density = tfp.distributions.TransformedDistribution(model.prior, flow).log_prob(state)
      exact.append(scipy.special.logsumexp(density) + np.log(0.01) - model.log_volume(x))
    bounds = [tf.reduce_mean(model.log_prob(x, num_samples=n, seed=2)) for n in (1, 16, 4096)]
    self.assertLess(float(bounds[0]), float(bounds[1]))
    self.assertAllClose(model.log_prob(x, num_samples=20_000, seed=2), exact, atol=0.05)
    self.assertAllClose(model.elbo(x, seed=2), model.log_prob(x, num_samples=1, seed=2), atol=1e-5)
    self.assertTrue(np.all(model.elbo(x, num_samples=4096, seed=2) < model.log_prob(x, num_samples=4096, seed=2)))

  def test_chunks_are_put_together_again(self):
    x = points(40)
    whole = density.in_chunks(lambda part, i: part + 100.0 * i, x, rows_per_point=density.CHUNK // 16)
    self.assertAllClose(whole, x + 100.0 * (np.arange(40) // 16)[:, None])
    model = make("fixed_kinetic")
    self.assertEqual(model.log_prob(points(3000), num_samples=64, seed=0).shape, (3000,))

  @pytest.mark.slow
  def test_one_step_learns_two_modes(self):
    keras.utils.set_random_seed(1)
    model = NHF(dataclasses.replace(SMALL, num_steps=1, energy="fixed_kinetic", hidden=(32, 32), steps=300,
                                    train_samples=8, batch_size=128, learning_rate=6e-3))
    modes = target("gaussians2")
    model.fit(modes.sample(20_000, seed=(0, 1)).numpy(), verbose=0)
    x = modes.sample(2000, seed=(2, 3))
    self.assertLess(np.mean(modes.log_prob(x) - model.log_prob(x, seed=0)), 0.25)
    self.assertGreater(np.mean(np.abs(model.sample(1000, seed=0)[:, 0]) > 1), 0.9)

  @pytest.mark.slow
  def test_learns_dt_and_mass(self):
    model = make("fixed_kinetic")
    before = [model.dt.numpy(), model.kinetics[0].log_mass.numpy()]
    model, _ = trained("fixed_kinetic")
    after = [model.dt.numpy(), model.kinetics[0].log_mass.numpy()]
    self.assertGreater(min(np.abs(b - a).max() for a, b in zip(before, after, strict=True)), 1e-3)
    self.assertLen(make("shared").potentials, 1)
    fixed = make("symplectic_euler")
    fixed.fit(points(640), verbose=0)
    self.assertAllEqual(fixed.dt, [1.0, 1.0])

  def test_standardises_what_it_is_given(self):
    model, x = make("layers2"), points(640)
    model.fit(x * [1.0, 100.0] + [5.0, -3.0], verbose=0)
    self.assertAllClose(model.shift, (x * [1.0, 100.0] + [5.0, -3.0]).mean(0), rtol=1e-3)
    other, _ = trained("layers2")
    self.assertAllClose(log_prob(model, x * [1.0, 100.0] + [5.0, -3.0]) + np.log(100.0), log_prob(other, x), atol=0.1)

  def test_fits_a_dataset(self):
    model, x = make("fixed_kinetic"), points(640)
    model.adapt(x)
    model.compile(run_eagerly=True)  # four steps: tracing would take longer
    history = model.fit(tf.data.Dataset.from_tensor_slices(x).batch(320), epochs=2, verbose=0)
    self.assertLen(history.history["loss"], 2)

  @parameterized.parameters(
      *(name for name, c in presets.PRESETS.items() if isinstance(c, (NHFConfig, RealNVPConfig))))
  def test_every_preset_takes_a_step(self, name):
    config = presets.get(name, steps=1, batch_size=8)
    self.assertEqual(type(config).from_dict(json.loads(json.dumps(config.to_dict()))), config)
    model = (NHF if isinstance(config, NHFConfig) else RealNVP)(config)
    model.compile(run_eagerly=True)  # one step: tracing would take ten times as long
    self.assertTrue(np.isfinite(model.fit(points(8), verbose=0).history["loss"][0]))

  def test_trace_count(self):
    model = make("fixed_kinetic")
    for n in (1, 5, 7, 9):
      model.log_prob(points(n), num_samples=n, seed=0)
    self.assertLessEqual(model._log_prob.experimental_get_tracing_count(), 2)


class BadInputTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(
      (dict(grid=(4, 4, 1)), r"grid must be \(h, w, c\) of event_size=8 numbers, got \(4, 4, 1\)"),
      (dict(grid=(8,)), "grid must be"),
      (dict(grid=(2, 2, 2), energy="mlp"), "needs energy='fixed_kinetic', got 'mlp'"),
      (dict(grid=(2, 2, 2), context_size=1), "needs context_size=0, got 1"))
  def test_grids(self, fields, message):
    with self.assertRaisesRegex(ValueError, message):
      NHFConfig(event_size=8, **fields)

  @parameterized.product(name=["fixed_kinetic", "layers2"], method=["fit", "adapt", "log_prob"])
  def test_points(self, name, method):
    call = getattr(make(name), method)
    bad = points(10)
    bad[3, 1] = np.nan
    with self.assertRaisesRegex(ValueError, "points must be finite, got 1 rows"):
      call(bad)
    bad[4, 0] = np.inf
    with self.assertRaisesRegex(ValueError, "points must be finite, got 2 rows"):
      call(bad)
    with self.assertRaisesRegex(ValueError, r"points must have shape \[n, 2\], got \(10, 3\)"):
      call(np.zeros((10, 3)))
    with self.assertRaisesRegex(ValueError, r"points must have shape \[n, 2\], got \(2,\)"):
      call(np.zeros(2))

  @pytest.mark.slow
  def test_a_prior_of_its_own_is_saved_with_the_model(self):
    tfd = tfp.distributions
    scale = tf.constant([0.5, 1.0, 2.0, 1.0])
    mixture = tfd.MixtureSameFamily(tfd.Categorical(logits=[0.0, 1.0]), tfd.MultivariateNormalDiag(
        tf.constant([[0.0] * 4, [1.0] * 4]), tf.stack([scale, scale])))
    for prior in (tfd.MultivariateNormalDiag(tf.ones(4), scale), tfd.Sample(tfd.StudentT(3.0, 0.0, 1.0), 4), mixture):
      model, path = NHF(SMALL, prior=prior), pathlib.Path(self.get_temp_dir()) / "model.keras"
      model.save(path)
      copy = keras.saving.load_model(path, safe_mode=True)
      self.assertIs(type(copy.prior), type(prior))
      self.assertAllClose(log_prob(copy, points(5)), log_prob(model, points(5)), atol=1e-5)

  def test_a_prior_that_is_no_plain_data_is_refused_when_saved(self):
    trained = tfp.distributions.MultivariateNormalDiag(tf.Variable(tf.zeros(4)))
    shifted = tfp.distributions.TransformedDistribution(
        tfp.distributions.MultivariateNormalDiag(tf.zeros(4)), tfp.bijectors.Shift(1.0))
    for prior, message in ((trained, "prior.loc cannot be saved"), (shifted, "prior.bijector cannot be saved")):
      with self.assertRaisesRegex(ValueError, message):
        NHF(SMALL, prior=prior).save(pathlib.Path(self.get_temp_dir()) / "model.keras")

  def test_noise_is_fresh_for_each_row_and_step_of_training(self):
    model, x = make("paper"), np.zeros((4, 2), np.float32)
    bounds = [model.bound(tf.constant(x), model._seed(step)).numpy() for step in (0, 1)]
    self.assertLen(set(np.concatenate(bounds)), 8)
    self.assertAllClose(model.predict(x, verbose=0), np.full(4, model.predict(x[:1], verbose=0)[0]), rtol=1e-6)

  @parameterized.parameters("fit", "adapt")
  def test_too_few_points(self, method):
    with self.assertRaisesRegex(ValueError, "points must be at least 2, got 1"):
      getattr(make("fixed_kinetic"), method)(points(1))

  def test_counts(self):
    model = make("fixed_kinetic")
    for call in (model.log_prob, model.elbo):
      with self.assertRaisesRegex(ValueError, "num_samples must be at least 1, got 0"):
        call(points(3), num_samples=0)
    for name in ("fixed_kinetic", "layers2"):
      with self.assertRaisesRegex(ValueError, "n must be at least 1, got 0"):
        make(name).sample(0)

  def test_prior_of_another_dimension(self):
    with self.assertRaisesRegex(ValueError, r"prior must have event shape \[4\].*got \(2,\)"):
      NHF(SMALL, prior=tfp.distributions.MultivariateNormalDiag(tf.zeros(2)))

  @parameterized.parameters(
      (dict(num_steps=0), "num_steps must be at least 1"), (dict(energy="relu"), "energy must be one of"),
      (dict(prior="cauchy"), "prior must be one of"), (dict(mass=0.0), "mass must be positive"),
      (dict(train_samples=0), "train_samples must be at least 1"))
  def test_nhf_config(self, changes, message):
    with self.assertRaisesRegex(ValueError, message):
      dataclasses.replace(SMALL, **changes)

  def test_methods_that_are_not_symplectic(self):
    with self.assertRaisesRegex(ValueError, "method must be one of symplectic_euler, .* implicit_midpoint, got 'rk4'"):
      NHF(dataclasses.replace(SMALL, method="rk4"))

  @parameterized.parameters((dict(event_size=1), "event_size must be at least 2"), (dict(layers=0), "layers must be"))
  def test_real_nvp_config(self, changes, message):
    with self.assertRaisesRegex(ValueError, message):
      RealNVPConfig(**changes)


if __name__ == "__main__":
  tf.test.main()
