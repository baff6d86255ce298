"""An evaluation on a full disk changes nothing of the one before; a killed one is cleared away by the next."""

import pathlib
import tempfile

import faults
import pytest
import tensorflow as tf
import tiny

from hgn_tf.evaluation.evaluate import evaluate
from hgn_tf.models import HGN

pytestmark = pytest.mark.slow  # starts whole programs


class EvaluationFaultsTest(tf.test.TestCase):

  def test_a_full_disk_and_a_kill(self):
    out = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "figures"
    killed = out / ".partial-killed"
    killed.mkdir(parents=True)
    (killed / "energy.png").write_bytes(b"half")
    (out / "metrics.json").write_text("those of before")
    films = {"splits": ("test",), "limit": 4, "data_dir": tiny.data_dir()}
    measure = lambda: evaluate(HGN(tiny.config()), tiny.DATASET, out, **films)  # noqa: E731
    with self.assertRaisesRegex(OSError, "File too large"):
      with faults.full_disk(500):
        measure()
    self.assertEqual([path.name for path in out.iterdir()], ["metrics.json"])
    self.assertEqual((out / "metrics.json").read_text(), "those of before")
    measure()
    self.assertIn("relative_excess", (out / "metrics.json").read_text())
    self.assertTrue((out / "report.html").exists())
    self.assertEmpty(list(out.glob(".*")))
