import json

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf import models, physics
from hgn_tf.data import truth
from hgn_tf.models import HGN, HGNConfig, presets

_HGN = sorted(name for name, preset in presets.PRESETS.items() if type(preset) is HGNConfig)
_NO_FPSI = 645_541 - 147_744
_PARAMETERS = {"hgn_no_fpsi": _NO_FPSI, "hgn_appendix": None, "hgn_64": 645_541 + 96,  # constant maps of the decoder
               "hgn_128": 645_541 + 480}


class PresetsTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*_HGN)
  def test_builds_and_counts(self, name):
    config = presets.get(name)
    self.assertEqual(config.name, name)
    model = models.make(config)
    count = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    expected = _PARAMETERS.get(name, 645_541)
    if expected is not None:
      self.assertEqual(count, expected)
    grid, size = config.grid, config.size
    state = model.initial_state(tf.zeros((1, grid, grid, config.latent_channels)))
    self.assertEqual(state.q.shape, (1, grid, grid, 16))
    self.assertEqual(model.decode(state.q).shape, (1, size, size, 3))

  @parameterized.parameters(("hgn_64", 1, 2), ("hgn_compact_video", 1, 2), ("hgn_compact", 3, 40))
  @pytest.mark.slow
  def test_any_size_channels_and_length(self, name, channels, frames):
    context = dict(context=2) if "compact" in name else {}
    model = models.make(presets.get(name, channels=channels, num_frames=frames, size=64, frames_per_step=2,
                                    batch_size=1, **context))
    model.compile(run_eagerly=True)
    films = tf.random.stateless_uniform((1, frames, 64, 64, channels), (0, 1))
    model.fit(films, batch_size=1, verbose=0)
    self.assertEqual(model.reconstruct(films, 3).shape, (1, 4, 64, 64, channels))

  def test_appendix_follows_the_text(self):
    config = presets.get("hgn_appendix")
    self.assertEqual([filters for filters, _, _ in config.encoder], [32, *[64] * 6, 48])
    self.assertEqual(np.prod([stride for _, _, stride in config.encoder]), 8)
    self.assertEqual([filters for filters, kernel, _ in config.transform if kernel == 3], [64] * 3)
    self.assertEqual([filters for filters, kernel, _ in config.energy if kernel == 3], [64] * 6)

  @pytest.mark.slow
  def test_appendix_keeps_its_posterior_in_its_first_steps(self):
    model = HGN(presets.get("hgn_appendix", num_frames=4, batch_size=4))
    model.compile(run_eagerly=True)
    frames, _ = truth.simulate(physics.default_spec("two_body", num_steps=3), "train", 4, 32)
    model.fit(frames, batch_size=4, epochs=8, verbose=0)  # a rate of 1e-3 and no KL: log std 16 after four steps
    mean, log_std = model.encoder(frames)
    self.assertAllInRange(mean, -12.0, 12.0)
    self.assertAllInRange(log_std, -12.0, 4.0)

  @parameterized.parameters(*_HGN)
  def test_survives_json(self, name):
    config = presets.get(name)
    self.assertEqual(type(config).from_dict(json.loads(json.dumps(config.to_dict()))), config)

  @parameterized.parameters("hgn", "hgn_paper_recipe", "hgn_appendix", "hgn_euler", "hgn_determ", "hgn_no_fpsi")
  def test_takes_a_step(self, name):
    narrow = dict(batch_size=1, num_frames=3, size=16, frames_per_step=None, horizon_steps=0)
    config = presets.get(name, **narrow)
    model = models.make(config)
    model.compile(run_eagerly=True)  # two steps: tracing would take ten times as long
    before = [v.numpy() for v in model.trainable_variables]
    frames = tf.random.stateless_uniform((1, *config.frame_shape), (0, 1))
    logs = model.fit(frames, batch_size=1, epochs=2, verbose=0).history  # a warm-up starts at a rate of 0
    self.assertTrue(np.isfinite(logs["loss"]).all())
    moved = [v.path for v, b in zip(model.trainable_variables, before, strict=True) if np.any(v.numpy() != b)]
    self.assertGreater(len(moved), 0.9 * len(before))

  def test_unknown_name_lists_the_known(self):
    with self.assertRaisesRegex(ValueError, "Unknown preset 'hng'; known: .*hgn_euler"):
      presets.get("hng")

  def test_unknown_field_lists_the_known(self):
    with self.assertRaisesRegex(ValueError, "no field kapa; known: .*kappa"):
      presets.get("hgn", kapa=1.0)

  @parameterized.parameters(
      (dict(size=20), "size must be a positive multiple of 8, got 20"),
      (dict(num_frames=1), "num_frames must be at least 2, got 1"),
      (dict(frames_per_step=32), "frames_per_step must be in .1, 31., got 32"),
      (dict(kappa=0.0), "kappa must be positive, got 0.0"),
      (dict(precision="float16"), "precision must be .* got 'float16'"),
      (dict(decoder="big"), "decoder must be .* got 'big'"))
  def test_bad_fields(self, fields, message):
    with self.assertRaisesRegex(ValueError, message):
      presets.get("hgn", **fields)
