import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import CompactHGN, CompactHGNConfig, CompactVariant, CompactVariantConfig, make, presets
from hgn_tf.networks import CoordinateDecoder, ImageDecoder, OscillatorEnergy
from hgn_tf.networks.encoders import spatial_softmax
from hgn_tf.networks.grids import pixel_grid

CONTEXT, FRAMES, SIZE = 4, 7, 16
FIELDS = dict(num_frames=FRAMES, size=SIZE, pairs=2, context=CONTEXT, maps=4, encoder_hidden=(8,), units=6,
              decoder_hidden=(8,), potential_hidden=(8,), radii=2, pixels_per_frame=32, frames_per_step=3, nearest=2,
              batch_size=4, steps=100, prior_rank=2, prior_components=1)


def model(**changes):
  return CompactHGN(CompactHGNConfig(**{**FIELDS, **changes}))


def films(n=4, seed=1, num_frames=FRAMES):
  return tf.random.stateless_uniform((n, num_frames, SIZE, SIZE, 3), (0, seed))


class StateTest(parameterized.TestCase, tf.test.TestCase):

  def test_the_encoder_sees_the_first_window_alone(self):
    hgn, x = model(), films()
    mean = hgn.encode(x).mean()
    self.assertEqual(mean.shape, (4, 4))
    cut = tf.concat([x[:, :CONTEXT], 1.0 - x[:, CONTEXT:]], axis=1)
    self.assertAllEqual(hgn.encode(cut).mean(), mean)
    self.assertNotAllClose(hgn.encode(1.0 - x).mean(), mean)

  def test_z_is_the_state_at_the_middle_of_the_window(self):
    hgn, x = model(), films()
    z = hgn.encode(x).mean()
    path = hgn.rollout(hgn.infer(x), hgn.config.middle)
    self.assertAllClose(path.merge()[:, -1], z, atol=1e-5)

  def test_films_of_any_length_and_size(self):
    hgn, x = model(), films()
    self.assertEqual(hgn.reconstruct(x, 40).shape, (4, 41, SIZE, SIZE, 3))
    self.assertEqual(hgn.sample(3, num_steps=2, seed=0).shape, (3, 3, SIZE, SIZE, 3))
    q = hgn.infer(x).q
    large = hgn.decode(q, size=4 * SIZE)
    self.assertEqual(large.shape, (4, 4 * SIZE, 4 * SIZE, 3))
    shrunk = tf.nn.avg_pool2d(large, 4, 4, "VALID")
    self.assertAllClose(shrunk, hgn.decode(q), atol=0.01)

  def test_too_few_frames(self):
    with self.assertRaisesRegex(ValueError, "at least context=4 in time, got 3"):
      model().infer(films(num_frames=3))

  @pytest.mark.slow
  def test_the_difference_from_the_mean_frame_is_drawn(self):
    hgn, x = model(draw_difference=True), films()
    hgn.before_step(x, tf.constant(0))
    mean = tf.reduce_mean(x, axis=(0, 1))
    self.assertAllClose(hgn.decoder.ground, mean)
    q = hgn.infer(x).q
    drawn = hgn.decode(q)
    self.assertAllClose(drawn, tf.repeat(mean[None], 4, axis=0), atol=0.4)
    pixels = hgn.decoder(q, tf.constant(pixel_grid(SIZE, SIZE))[None])
    self.assertAllClose(tf.reshape(pixels, drawn.shape), drawn, atol=1e-6)
    self.assertAllClose(tf.image.resize(mean, [64, 64]) - hgn.decode(q, size=64)[0],
                        tf.image.resize(mean - drawn[0], [64, 64]), atol=0.1)
    with self.assertRaisesRegex(ValueError, "draw_difference=True needs centre_frames=True"):
      CompactHGNConfig(draw_difference=True, centre_frames=False)

  def test_refinement_finds_the_state_behind_a_film(self):
    hgn = model()
    z = tf.constant([[0.5, -0.4, 0.3, 0.2], [-0.3, 0.1, 0.2, -0.5]])
    x = hgn.generate(z)
    refined = hgn.refine(z + 0.1, x, 40)
    before, after = (float(tf.reduce_mean((hgn.generate(one) - x) ** 2)) for one in (z + 0.1, refined))
    self.assertLess(after, 0.01 * before)
    errors = [float(tf.reduce_mean((hgn.render(hgn.infer(x, refine=n)) - x[:, 0]) ** 2)) for n in (0, 40)]
    self.assertLess(errors[1], 0.1 * errors[0])


class ObjectiveTest(parameterized.TestCase, tf.test.TestCase):

  def test_error_of_pixels_both_ways(self):
    hgn = model()
    z = tf.random.stateless_normal((2, 4), (0, 1))
    offsets = tf.constant([[-2, 0, 3], [1, -1, 2]])
    state = PhaseSpace.split(z)
    paths = {sign: hgn.rollout(state, 4, sign * hgn.config.dt).q for sign in (1, -1)}
    q = tf.stack([tf.stack([paths[1 if o >= 0 else -1][i, abs(o)] for o in row]) for i, row in
                  enumerate(offsets.numpy())])
    target = tf.random.stateless_uniform((6, SIZE * SIZE, 3), (0, 2))
    wanted = tf.reduce_mean((hgn.decode(tf.reshape(q, [6, 2])) - tf.reshape(target, [6, SIZE, SIZE, 3])) ** 2)
    places = tf.tile(tf.constant(pixel_grid(SIZE, SIZE))[None], [6, 1, 1])
    found = hgn._pixel_error(z, offsets, places, target, tf.ones(target.shape[:2]))
    self.assertAllClose(found, wanted, rtol=1e-5)

  def test_drawn_pixels_stand_for_all(self):
    hgn = model(pixels_per_frame=64)
    x = tf.random.stateless_uniform((3, SIZE * SIZE, 3), (0, 3)) ** 8
    means = []
    for i in range(150):
      indices, weights = hgn._draw_pixels(x, (0, i))
      means.append(tf.reduce_mean(tf.gather(x, indices, batch_dims=1) * weights[..., None], axis=1))
    self.assertAllClose(np.mean(means, axis=0), tf.reduce_mean(x, axis=1), rtol=0.05)
    self.assertGreater(float(tf.math.reduce_std(weights)), 0.1)

  def test_drawn_frames_lie_around_the_window(self):
    hgn = model(num_frames=31, context=16, frames_per_step=6, nearest=5)
    for step, low, high in ((0, 7, 17), (100, 0, 30)):
      drawn = hgn._draw_frames(50, tf.constant(step), (0, 1), tf.constant(12)).numpy()
      self.assertEqual((drawn.min(), drawn.max()), (low, high))
      self.assertAllEqual(drawn, np.sort(drawn, axis=1))

  @parameterized.parameters((0, 5), (5, 5), (60, 23), (100, 23))
  def test_reach_rises_on_schedule(self, step, frames):
    hgn = model(num_frames=31, context=16, nearest=5)
    self.assertEqual(int(hgn.reach_at(tf.constant(step))), frames)

  @pytest.mark.slow
  def test_learns_a_tiny_dataset(self):
    x = tf.tile(0.2 + 0.6 * tf.cast(tf.abs(tf.range(16.0)[None, None, :, None, None] - 6.0 -
                                          tf.reshape(tf.range(7.0), [1, 7, 1, 1, 1])) < 2.0, tf.float32),
                [4, 1, 1, 16, 3])
    keras.utils.set_random_seed(0)
    hgn = model(steps=450, warmup_steps=0)
    hgn.compile()
    history = hgn.fit(tf.data.Dataset.from_tensors(x).repeat(), steps_per_epoch=150, epochs=3, verbose=0).history
    self.assertLess(history["mse"][-1], 0.5 * history["mse"][0])


class PartsTest(parameterized.TestCase, tf.test.TestCase):

  def test_softmax_finds_a_peak_between_pixels(self):
    maps = np.zeros((1, 8, 8, 1), np.float32)
    maps[0, 2, 4:6] = 20.0
    self.assertAllClose(spatial_softmax(tf.constant(maps))[0, 0], [0.25, 2.5 / 8 * 2 - 1], atol=1e-4)

  @parameterized.parameters(1.0, 10.0)
  def test_gain_leaves_the_energy_at_the_start_an_oscillator(self, gain):
    energy = OscillatorEnergy((16,), 4, gain)
    x = tf.random.stateless_normal((20, 3), (0, 1))
    energy.build(x.shape)
    self.assertAllClose(energy(x), tf.reduce_sum(x ** 2, axis=1) / 2, atol=0.5)
    before = energy(x)
    energy.compute_dtype, gradient = energy.compute_dtype, None
    with tf.GradientTape() as tape:
      loss = tf.reduce_mean(energy(x))
    variables = energy.trainable_variables
    gradient = tape.gradient(loss, [v.value for v in variables])
    keras.optimizers.Adam(1e-3).apply(gradient, variables)
    moved = float(tf.reduce_max(tf.abs(energy(x) - before)))
    self.assertBetween(moved / gain, 1e-4, 1e-1)

  def test_power_laws_are_those_of_gravity(self):
    gain = 10.0
    energy = OscillatorEnergy(gain=gain, powers=1)
    energy.build((None, 2))
    energy.root.assign(tf.zeros((2, 2)))
    energy.separations.kernel.assign(tf.eye(2) / gain)
    energy.separations.bias.assign([0.0, 1.0 / gain])
    energy.strengths.assign([-2.0 / gain])
    energy.log_softening.assign([np.log(1e-6) / gain])
    x = tf.constant([[3.0, 3.0], [0.0, 1.0]])
    self.assertAllClose(energy(x), [-2.0 / 5.0, -2.0 / 2.0], rtol=1e-4)  # the exponent starts at 1
    energy.exponents.assign([2.0 / gain])
    self.assertAllClose(energy(x), [-2.0 / 25.0, -2.0 / 4.0], rtol=1e-4)

  def test_power_laws_alone_learn(self):
    hgn, x = model(powers=3, potential_hidden=(), decoder_shifts=()), films()
    self.assertLen(hgn.potential.trainable_variables, 6)
    with tf.GradientTape() as tape:
      energy = tf.reduce_sum(hgn.energy(hgn.infer(x)))
    self.assertTrue(all(g is not None for g in tape.gradient(energy, [v.value for v in hgn.potential.variables])))

  def test_without_shifts_centres_are_affine_in_q(self):
    decoder = CoordinateDecoder(units=1, hidden=(1,), shifts=())
    decoder.build((None, 1))
    decoder.linear.kernel.assign([[0.5, 0.0]])
    decoder.linear.bias.assign([0.1, 0.0])
    places, _ = tf.constant(pixel_grid(8, 8))[None], decoder.first.kernel.assign([[1.0]])
    moved = decoder(tf.constant([[1.0]]), places - [[[0.0, 0.0]]])
    self.assertAllClose(moved, decoder(tf.constant([[0.0]]), places - [[[0.5, 0.0]]]), rtol=1e-5)

  def test_an_image_decoder_gives_the_pixels_of_its_image(self):
    decoder, q = ImageDecoder(16, 4, 3), tf.constant([[0.3], [-0.2]])
    decoder.build((None, 1))
    image = decoder.image(q, 16)
    self.assertEqual(image.shape, (2, 16, 16, 3))
    some = [3, 250, 17]
    found = decoder(q, tf.constant(pixel_grid(16, 16)[some])[None])
    self.assertAllClose(found, tf.gather(tf.reshape(image, [2, 256, 3]), some, axis=1))
    self.assertEqual(decoder.image(q, 32).shape, (2, 32, 32, 3))

  def test_decoder_config(self):
    decoder = CoordinateDecoder(channels=1, units=5, hidden=(4, 4))
    again = CoordinateDecoder.from_config(decoder.get_config())
    again.build((None, 2))
    self.assertEqual(again.image(tf.zeros((3, 2)), 8).shape, (3, 8, 8, 1))


class VariantsTest(parameterized.TestCase, tf.test.TestCase):

  def variant(self, **changes):
    keras.utils.set_random_seed(3)
    return CompactVariant(CompactVariantConfig(**{**FIELDS, **changes}))

  @parameterized.parameters(
      (dict(inputs=1, energy_kind="fixed_kinetic"), "inputs must be 0: no row of the ablation is driven, got 1"),
      (dict(conv_decoder=True, draw_difference=True), "draw_difference must be False with conv_decoder=True"))
  def test_refuses(self, changes, message):
    with self.assertRaisesRegex(ValueError, message):
      self.variant(**changes)

  def test_without_changes_it_is_a_compact_hgn(self):
    keras.utils.set_random_seed(3)
    hgn = model()
    losses = [one.objective(films(), tf.constant(50))[2] for one in (hgn, self.variant())]
    self.assertAllClose(*losses)

  @pytest.mark.slow
  def test_where_the_window_stands_and_what_is_trained(self):
    starts = {int(model()._draw_start((0, i))) for i in range(40)}
    self.assertEqual(starts, {0, 1, 2, 3})
    self.assertEqual({int(self.variant(windows="first")._draw_start((0, i))) for i in range(5)}, {0})
    self.assertEqual(self.variant(directions="forward")._bounds(3, 2), (3, 5))
    self.assertEqual([int(x) for x in self.variant()._bounds(3, 2)], [1, 5])

  def test_reversed_films_have_reversed_motions(self):
    """A batch of films beside the same films backward is the same to a model that reverses every other one."""
    hgn, x = self.variant(time_reversal=True, windows="first"), films()
    plain = self.variant(windows="first")
    flipped = tf.where((tf.range(4) % 2 == 0)[:, None, None, None, None], x, x[:, ::-1])
    self.assertAllClose(hgn.objective(x, tf.constant(50))[0], plain.objective(flipped, tf.constant(50))[0])

  @parameterized.parameters(dict(consistency=1.0), dict(bootstrap=1.0))
  @pytest.mark.slow
  def test_agreement_of_windows_comes_late(self, **weights):
    hgn, plain, x = self.variant(**weights), self.variant(), films()
    early, *late = (hgn.objective(x, tf.constant(step))[2] - plain.objective(x, tf.constant(step))[2]
                    for step in (60, 97, 98, 99, 100))
    self.assertAllClose(early, 0.0, atol=1e-5)
    self.assertGreater(max(late), 0.1)  # now and then both windows are one

  def test_the_state_of_a_later_window_is_the_rollout(self):
    hgn = self.variant()
    z = tf.random.stateless_normal((3, 4), (0, 1))
    for offset in (-2, 0, 3):
      path = hgn.rollout(PhaseSpace.split(z), 3, float(np.sign(offset)) * hgn.config.dt).merge()
      self.assertAllClose(hgn._at(z, tf.constant(offset)), path[:, abs(offset)], atol=1e-5)

  def test_with_a_decoder_of_images(self):
    hgn = self.variant(conv_decoder=True, decoder_filters=4)
    self.assertTrue(np.isfinite(hgn.objective(films(), tf.constant(50))[2]))
    self.assertEqual(hgn.reconstruct(films(), 2).shape, (4, 3, SIZE, SIZE, 3))


class KeepingTest(tf.test.TestCase):

  def test_saved_and_loaded(self):
    hgn, x = model(), films()
    path = pathlib.Path(self.get_temp_dir()) / "compact.keras"
    hgn.save(path)
    self.assertAllEqual(keras.saving.load_model(path).reconstruct(x), hgn.reconstruct(x))

  def test_preset(self):
    self.assertIsInstance(make(presets.get("hgn_compact")), CompactHGN)
    self.assertLess(4 * sum(np.prod(v.shape) for v in make(presets.get("hgn_compact", pairs=6)).weights), 400e3)

  def test_prior(self):
    hgn = model()
    hgn.fit_prior([films(20)])
    self.assertTrue(np.isfinite(hgn.sample(2, seed=0)).all())


if __name__ == "__main__":
  tf.test.main()
