"""hgn-reproduce law: a compact HGN is trained, measured beside the limit, and the page says what the files say."""

import pathlib
import tempfile
from unittest import mock

import pytest
import tensorflow as tf
import terminal
import tiny

from hgn_tf.commands.reproduce import hgn_runs, law_report, one_run
from hgn_tf.commands.reproduce.hgn_runs import Run
from hgn_tf.training import files

_TINY = dict(num_frames=tiny.FRAMES, size=tiny.SIZE, context=3, maps=4, encoder_hidden=(8,), units=4,
             decoder_hidden=(8,), potential_hidden=(8,), radii=2, pixels_per_frame=16, frames_per_step=2, nearest=1,
             batch_size=4)


class ReproduceLawTest(tf.test.TestCase):

  @pytest.mark.slow  # a whole run of hgn-reproduce
  def test_a_run_and_its_page(self):
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    results, doc = pathlib.Path(folder.name) / "results", pathlib.Path(folder.name) / "law.md"
    self.enterContext(mock.patch.dict(hgn_runs.ROWS, {"hgn_compact": ("hgn_compact", _TINY)}))
    self.enterContext(mock.patch.multiple(law_report, LONG_SEQUENCES=4, LONG=20, CONTEXTS=(16,)))
    self.enterContext(mock.patch.multiple(hgn_runs, REFINE=1, LONG_FILMS=2))
    with self.assertRaisesRegex(ValueError, "No runs in"):
      law_report.write(results, doc)
    run = Run("hgn_compact", tiny.DATASET, 0, 3)
    self.assertEqual(run.config.pairs, 1)
    with terminal.terminal() as said:
      law_report.measure_limits(results, ["mass_spring"])
      hgn_runs.perform(run, results, pathlib.Path(folder.name) / "workdirs", data_dir=tiny.data_dir(), limit=6)
    self.assertRegex(said(), r"(?s)Fitting first states:.* 0/4 .*Films of test:.* 0/1 .*Measuring: law:.* 5/6 ")
    found = files.read_json(one_run.result_path(results, run))
    self.assertBetween(found["horizon"]["forward"], 0, 121)
    self.assertEqual(set(found["refined"]), {"forward", "backward"})
    with mock.patch.object(law_report, "SYSTEMS", (tiny.DATASET,)):
      page = law_report.write(results, doc).read_text()
    self.assertIn(f"| hgn_compact | {found['horizon']['forward']:.0f} / {found['horizon']['backward']:.0f} |", page)
    self.assertIn(f"| R² of the state | {found['law']['state_r2']:.3g} |", page)
    self.assertIn("--rows=hgn_compact", page)
    self.assertNotIn("What makes it learn the law", page)
    self.assertNotIn("How many pairs", page)
    law_report.measure_sizes(results, [tiny.DATASET], tiny.data_dir())
    quick = Run("hgn_compact", tiny.DATASET, 0, minutes=1e-3)
    hgn_runs.perform(quick, results / law_report.ABLATION, pathlib.Path(folder.name) / "workdirs",
                     data_dir=tiny.data_dir(), limit=6)
    self.assertTrue(one_run.is_done(results / law_report.ABLATION, quick))
    with mock.patch.object(law_report, "SYSTEMS", (tiny.DATASET,)):
      page = law_report.write(results, doc).read_text()
    self.assertRegex(page, r"\| pairs found \| 1 \|\n\| pairs of the runs above \| 1 \|")
    self.assertIn("0.001 minutes of one core", page)
    self.assertIn(f"--rows=hgn_compact --datasets={tiny.DATASET} --minutes=0.001 --seeds=0", page)


if __name__ == "__main__":
  tf.test.main()
