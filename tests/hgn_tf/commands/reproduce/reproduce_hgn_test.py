"""hgn-reproduce hgn: trains what is missing, measures it, and writes pages that say what the files say."""

import pathlib
import tempfile
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
import tiny

from hgn_tf.commands.reproduce import hgn_report, hgn_runs, one_run
from hgn_tf.commands.reproduce.hgn_runs import Run
from hgn_tf.training import files

_TINY = {key: value for key, value in tiny.FIELDS.items() if key != "steps"}


class ReproduceTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.folder = pathlib.Path(folder.name)
    self.results = self.folder / "results"
    fields = dict(num_frames=tiny.FRAMES, size=tiny.SIZE, batch_size=4)
    small = {"hgn": ("hgn", _TINY), "pixel_hnn": ("pixel_hnn", fields)}
    self.enterContext(mock.patch.dict(hgn_runs.ROWS, small))

  def perform(self, *runs):
    for run in runs:
      hgn_runs.perform(run, self.results, self.folder / "workdirs", data_dir=tiny.data_dir(), limit=4, made_on="here")

  @pytest.mark.slow  # a whole run of hgn-reproduce
  def test_runs_are_measured_once_and_pages_tell_of_them(self):
    runs = [Run("hgn", tiny.DATASET, 0, 3), Run("pixel_hnn", tiny.DATASET, 0, 3)]
    self.assertFalse(any(one_run.is_done(self.results, run) for run in runs))
    self.perform(*runs)
    self.assertTrue(all(one_run.is_done(self.results, run) for run in runs))
    found = files.read_json(self.results / "mass_spring_tiny-hgn-3-0.json")
    self.assertEqual([row["step"] for row in found["history"]], [3])
    self.assertGreater(found["history"][0]["val_mse"], 0.0)
    pages = {path.name: path.read_text() for path in hgn_report.write(self.results, self.folder / "docs")}
    row = next(line for line in pages["results.md"].splitlines() if line.startswith("| hgn | 3 |"))
    self.assertIn(" / ".join(f"{1e4 * found[split]['mse']:.3g}" for split in ("train", "test")), row)
    self.assertIn("HGN leapfrog (paper)", pages["results.md"])
    beyond = pages["results.md"].split("## Beyond")[1]
    self.assertIn(" / ".join(f"{found['horizon'][key]:.3g}" for key in ("forward", "backward")), beyond)
    self.assertIn(f"{found['test']['relative_excess']:.3f}", pages["convergence.md"])
    for name in ("results/per_frame_mass_spring_tiny", "results/energy_mass_spring_tiny",
                 "convergence/mass_spring_tiny_step", "convergence/mass_spring_tiny_core_minutes"):
      self.assertTrue((self.folder / "docs" / f"{name}.png").exists(), name)

  def test_a_run_of_other_settings_is_not_taken_for_this_one(self):
    run = Run("hgn", tiny.DATASET, 0, 3)
    config = {**run.config.to_dict(), "kappa": 1.0}
    files.write_json(one_run.result_path(self.results, run), {"config": config})
    with self.assertRaisesRegex(ValueError, "made with other settings"):
      one_run.is_done(self.results, run)
    del config["prior_rank"]  # as if the field were younger than the file
    files.write_json(one_run.result_path(self.results, run), {"config": {**config, "kappa": run.config.kappa}})
    self.assertTrue(one_run.is_done(self.results, run))

  def test_every_row_has_a_config_on_every_system(self):
    for row in hgn_runs.ROWS:
      for system in hgn_runs.SYSTEMS:
        self.assertEqual(Run(row, system, 7, 5).config.seed, 7)
    self.assertEqual(Run("pixel_hnn_conv", "three_body", 0).config.embedding, 12)

  def test_mistakes_are_named(self):
    with self.assertRaisesRegex(ValueError, "Unknown row 'hng'; known: hgn, "):
      Run("hng", "mass_spring", 0)
    with self.assertRaisesRegex(ValueError, "Unknown dataset 'spring'; known: mass_spring, "):
      Run("hgn", "spring", 0)
    with self.assertRaisesRegex(ValueError, "No runs in .*hgn-reproduce hgn"):
      hgn_report.write(self.results, self.folder)


class TablesTest(tf.test.TestCase):

  def test_test_errors_at_equal_times(self):
    history = [{"step": i, "cpu_seconds": 150.0 * i, "val_mse": 1e-4 * (9 - i)} for i in range(1, 6)]
    runs = {(row, 5): {"two_body": [{"history": history, "machine": machine}]}
            for row, machine in (("decode_31", "slow"), ("decode_8", "fast"), ("hgn", "slow"))}
    table = hgn_report._at_minutes(runs, ["two_body"]).splitlines()
    self.assertEqual(table[1], "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    self.assertEqual(table[2], "| two_body | decode_31 | 5 | 8.0 | 7.0 | 5.0 | - | 4.0 |")
    self.assertLen(table, 4)

  def test_medians_and_spreads_over_seeds(self):
    history = [{"step": 1, "cpu_seconds": 60.0, "val_mse": 1e-3}]
    runs = {("hgn", 1): {"two_body": [{"history": history, "cpu_seconds": 60.0, "test": {"relative_excess": value}}
                                      for value in (0.1, 0.3, 0.2)]}}
    self.assertIn("0.200 (0.100 to 0.300, 3 seeds)", hgn_report._goals(runs))
    self.assertEqual(hgn_report.spread([1.0, 2.0, 3.0]), f"2 ± {np.std([1, 2, 3], ddof=1):.2g}")


if __name__ == "__main__":
  tf.test.main()
