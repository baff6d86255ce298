"""An export that is killed or finds a full disk leaves no version and nothing that a later one would stumble over."""

import pathlib
import signal
import subprocess
import sys
import time

import faults
import pytest
import tensorflow as tf
from export_support import tiny_model

from export import common, rollout, serving
from export.server.loader import SessionModel

pytestmark = pytest.mark.slow  # starts whole programs


class ExportFaultsTest(tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.servable = rollout.servable(tiny_model(), max_steps=5)

  def setUp(self):
    super().setUp()
    self.base = pathlib.Path(self.get_temp_dir()) / self.id().rsplit(".", 1)[1] / "tiny"

  def publish(self):
    return serving.publish(self.servable, self.base, batch_sizes=(1,))

  def test_a_full_disk(self):
    with self.assertRaisesRegex((OSError, tf.errors.OpError), "File too large"):
      with faults.full_disk(20_000):
        self.publish()
    self.assertEmpty(list(self.base.iterdir()))

  def test_a_kill_leaves_what_the_next_export_clears_away(self):
    process = subprocess.Popen(
        [sys.executable, "-m", "export", "--pretrained=nhf_two_moons", f"--out={self.base}", "--batch_sizes=1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 200
    while not list(self.base.glob(".partial-*")) and process.poll() is None and time.monotonic() < end:
      time.sleep(0.01)
    process.send_signal(signal.SIGSTOP)  # it still holds its lock
    (working,) = self.base.glob(".partial-*")
    self.publish()
    self.assertTrue(working.exists())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    self.publish()
    self.assertEqual(sorted(path.name for path in self.base.iterdir()), ["1", "2"])

  def test_corrupted_weights_are_named_and_not_served(self):
    path = self.publish()
    with faults.changed_byte(path / "variables" / "variables.data-00000-of-00001"):
      with self.assertRaisesRegex(tf.errors.DataLossError, f"{path}/variables/variables .*Checksum does not match"):
        SessionModel(path)
    self.assertEqual(common.versions(self.base), [1])
    SessionModel(path).close()
