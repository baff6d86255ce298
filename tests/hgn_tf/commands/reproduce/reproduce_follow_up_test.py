"""hgn-reproduce follow_up: a row is timed, trained, measured by the follow-up's metrics, and stands on the page."""

import pathlib
import tempfile
from unittest import mock

import pytest
import tensorflow as tf

from hgn_tf.commands.reproduce import follow_up_report, follow_up_runs, one_run
from hgn_tf.commands.reproduce.follow_up_runs import Run
from hgn_tf.evaluation import follow_up
from hgn_tf.models.watch import NotFinite
from hgn_tf.training import files
from tfds_builders import double_pendulum

_FRAMES, _SIZE = 7, 16
_COMPACT = dict(num_frames=_FRAMES, size=_SIZE, context=3, maps=4, encoder_hidden=(8,), units=4, decoder_hidden=(8,),
                pixels_per_frame=16, frames_per_step=2, nearest=1, batch_size=4, warmup_steps=0)
_ROWS = {"hgn_compact": dict(potential_hidden=(8,), radii=2, factor_hidden=(4,), **_COMPACT),
         "latent_rnn": dict(_COMPACT, pairs=2)}


def build(folder):
  config = double_pendulum.DoublePendulumConfig(
      name="tiny", num_train=16, num_test=6, num_steps=_FRAMES + 2, resolution=_SIZE, dt=0.05)
  double_pendulum.Builder(config=config, data_dir=folder).download_and_prepare()
  return folder


class ReproduceFollowUpTest(tf.test.TestCase):

  @pytest.mark.slow
  def test_runs_and_their_page(self):
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    folder = pathlib.Path(folder.name)
    data_dir, results, doc = build(str(folder / "data")), folder / "results", folder / "docs" / "follow_up.md"
    self.enterContext(mock.patch.dict(follow_up_runs.ROWS, _ROWS))
    self.enterContext(mock.patch.multiple(follow_up_runs, FILMS=4, PICTURED_FRAMES=12))
    self.enterContext(mock.patch.multiple(follow_up, BEYOND=5))
    with self.assertRaisesRegex(ValueError, "No runs in"):
      follow_up_report.write(results, doc)
    for row, steps in (("hgn_compact", 3), ("latent_rnn", None)):
      run = Run(row, "double_pendulum/tiny", 0, steps, 0.01)
      said = follow_up_runs.make(run, results, folder / "workdirs", data_dir, 4)
      self.assertRegex(said, rf"{run.name}: VPT \d+ forward, \d+ backward, SyMetric [01]")
      self.assertTrue(one_run.is_done(results, run))
      found = files.read_json(one_run.result_path(results, run))
      wanted = 3 if steps else max(1, int(0.6 / found["step_seconds"]))
      self.assertEqual(found["config"]["steps"], wanted)
      self.assertEqual("energy_drift" in found["test"], row == "hgn_compact")
      self.assertBetween(found["horizons"]["forward"]["vpt"], 0, 191)
    page = follow_up_report.write(results, doc).read_text()
    self.assertRegex(page, r"\| \*mean image\* \|  \|  \| \d+ / \d+ \|")
    self.assertIn("| hgn_compact | 3 steps | 3 |", page)
    self.assertRegex(page, r"\| latent_rnn \| 0.01 min \| \d+ \| \d+ / \d+ \|")
    self.assertIn("--rows=latent_rnn --datasets=double_pendulum/tiny --minutes=0.01 --seeds=0", page)
    for picture in ("double_pendulum.gif", "double_pendulum.png"):
      self.assertTrue((doc.parent / "follow_up" / picture).exists())

  def test_a_row_that_ends_in_nan_is_trained_again_slower(self):
    trained, folder = [], pathlib.Path(self.enter_context(tempfile.TemporaryDirectory()))

    def train(config, dataset, workdir, **how):
      trained.append(config.learning_rate)
      if len(trained) == 1:
        raise NotFinite("The loss became nan at step 7")
      workdir.path.mkdir(parents=True)
      files.write_bytes(workdir.path / "history.jsonl", b'{"step": 9, "seconds": 2.0, "cpu_seconds": 1.0}\n')

    measured = {"test": {}, "horizons": {}, "states": {}}
    self.enterContext(mock.patch.multiple(follow_up_runs, train=train, _measure=lambda *args: measured))
    self.enterContext(mock.patch.object(follow_up_runs.timing, "planned", return_value=(0.1, 9)))
    run = Run("latent_ode", "pendulum/suite", 0, minutes=1.0)
    follow_up_runs.perform(run, folder / "results", folder / "workdirs")
    self.assertAllClose(trained, [3e-3, 1e-3])
    found = files.read_json(one_run.result_path(folder / "results", run))
    self.assertEqual(found["fault"], "The loss became nan at step 7")
    self.assertAllClose(found["config"]["learning_rate"], 1e-3)

  def test_pairs_are_those_of_the_motion(self):
    self.assertEqual(Run("hgn_compact", "double_pendulum/suite_colors", 0, minutes=1.0).config_of(10).pairs, 5)
    self.assertEqual(Run("latent_ode", "pendulum/suite", 0, minutes=1.0).config_of(10).pairs, 1)

  def test_unknown_names(self):
    with self.assertRaisesRegex(ValueError, "Unknown row 'hng'; known: hgn, hgn_plus_plus"):
      Run("hng", "pendulum/suite", 0, minutes=1.0)
    with self.assertRaisesRegex(ValueError, "Unknown dataset 'three_body'; known: mass_spring"):
      Run("hgn", "three_body", 0)


if __name__ == "__main__":
  tf.test.main()
