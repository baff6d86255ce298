"""Figures 7 and 8 from a model, without a dataset on disk."""

import pathlib
import tempfile
from unittest import mock

import imageio.v3 as imageio
import numpy as np
import pytest
import tensorflow as tf
import tiny

from hgn_tf import data, models, physics
from hgn_tf.data import truth
from hgn_tf.evaluation import evaluator, hgn_pictures
from hgn_tf.models import HGN, presets

_SPEC = physics.default_spec("mass_spring", num_steps=tiny.FRAMES - 1, resolution=2 * tiny.SIZE)


class HGNPicturesTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

  def test_simulated_films_are_those_of_the_dataset(self):
    frames, world = truth.simulate(_SPEC, "test", 3, tiny.SIZE)
    stored = next(iter(data.eval_batches(tiny.DATASET, batch_size=6, size=tiny.SIZE, data_dir=tiny.data_dir())))
    distance = np.abs(stored.numpy()[:, None] - frames[None]).max(axis=(2, 3, 4, 5)).min(axis=0)
    self.assertAllEqual(distance, np.zeros(3))  # the dataset on disk is shuffled
    self.assertEqual(world.frames(tiny.SIZE).shape, frames.shape)

  def test_a_film_and_its_rollouts_at_every_speed(self):
    written = hgn_pictures.speeds(self.folder / "speeds.png", HGN(tiny.config()), _SPEC)
    film = imageio.imread(written[1], index=None)
    self.assertLen(film, tiny.FRAMES)
    self.assertEqual(film.shape[2], 9 * (4 * tiny.SIZE + 4))  # the data, then truth and model at four speeds
    self.assertGreater(np.std(imageio.imread(written[0])[..., :3]), 3)

  @pytest.mark.slow
  def test_a_pixel_hnn_is_drawn_below(self):
    baseline = models.make(presets.get("pixel_hnn", size=tiny.SIZE, num_frames=tiny.FRAMES, hidden=8))
    hgn_pictures.save_speeds(self.folder / "films.npz", baseline, _SPEC)
    films = np.load(self.folder / "films.npz")
    rows = hgn_pictures.at_speeds(HGN(tiny.config()), _SPEC, "test", 1, films)
    self.assertEqual([label for label, _ in rows[1:4]], ["forward", "HGN", "PixelHNN"])
    frames, _ = truth.simulate(_SPEC, "test", 1, tiny.SIZE)
    self.assertAllClose(rows[3][1], evaluator.unroll(baseline, frames, tiny.FRAMES - 1), atol=0.5 / 255 + 1e-5)
    written = hgn_pictures.speeds(self.folder / "speeds.png", HGN(tiny.config()), _SPEC, films)
    self.assertEqual(imageio.imread(written[1], index=None).shape[2], 13 * (4 * tiny.SIZE + 4))

  def test_overview_has_a_row_for_each_system(self):
    with mock.patch.object(physics, "default_spec", lambda system: _SPEC):
      hgn_pictures.overview(self.folder / "all.gif", {name: HGN(tiny.config()) for name in ("mass_spring", "pendulum")})
    height = imageio.imread(self.folder / "all.gif", index=None).shape[1]
    self.assertEqual((height - 18) % (2 * (3 * tiny.SIZE + 4)), 0)

  def test_beyond_is_in_the_order_of_time(self):
    model = HGN(tiny.config())
    with mock.patch.object(physics, "default_spec", lambda system: _SPEC), mock.patch.object(
        hgn_pictures.rollouts, "strips") as strips:
      hgn_pictures.beyond("x.png", {"mass_spring": {"HGN": model}}, before=4, after=6)
    (_, rows), _ = strips.call_args
    self.assertEqual([label for label, _ in rows], ["mass_spring, truth", "HGN"])
    frames, world = truth.simulate(_SPEC, "test", 1, tiny.SIZE)
    self.assertAllClose(rows[0][1], np.concatenate(
        [world.frames(tiny.SIZE, num_steps=4, speed=-1.0)[0, :0:-1], world.frames(tiny.SIZE, num_steps=6)[0]]))
    state = model.infer(frames)
    start = type(state)(*(x[:, -1] for x in model.rollout(state, 4, -model.config.dt)))
    self.assertAllClose(rows[1][1], model.decode(model.rollout(start, 10).q)[0], atol=1e-4)  # leapfrog is reversible

  def test_samples_beside_films_of_their_systems(self):
    with mock.patch.object(physics, "default_spec", lambda system: _SPEC):
      written = hgn_pictures.samples(self.folder / "samples.png", {"mass_spring": HGN(tiny.config())}, num=2)
    self.assertEqual(imageio.imread(written[1], index=None).shape[2], 2 * (4 * tiny.SIZE + 4))


if __name__ == "__main__":
  tf.test.main()
