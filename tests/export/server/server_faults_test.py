"""A server keeps answering on a full disk and beside a corrupted version, and after SIGKILL a new one answers alike."""

import os
import pathlib
import resource
import shutil
import signal
import tempfile
import time

import faults
import pytest
import tensorflow as tf
from export_support import frames, times, tiny_model
from server_support import Server

from export import configs, rollout, serving

pytestmark = pytest.mark.slow  # starts whole programs


class ServerFaultsTest(tf.test.TestCase):

  def test_full_disk_corrupted_version_and_kill(self):
    models = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "models"
    first = serving.publish(rollout.servable(tiny_model(), max_steps=5), models / "tiny", batch_sizes=(1, 2))
    configs.write_configs(models)
    inputs = {"frames": frames(1), **times([0.1], [3])}
    server = Server(models).wait("tiny")
    self.addCleanup(server.close)
    before = server.predict_rpc("tiny", "rollout", inputs)

    resource.prlimit(server._process.pid, resource.RLIMIT_FSIZE, (0, 0))
    self.assertAllClose(server.predict_rpc("tiny", "rollout", inputs)["frames"], before["frames"])
    self.assertAllClose(server.predict_rest("tiny", "rollout", inputs)["frames"], before["frames"], atol=1e-5)

    second = shutil.copytree(first, models / "tiny" / "2")
    with faults.changed_byte(second / "variables" / "variables.data-00000-of-00001"):
      configs.write_configs(models)
      states = self.wait_for(server, "2")
    self.assertEqual(states["1"]["state"], "AVAILABLE")
    self.assertIn("Checksum does not match", states["2"]["status"]["error_message"])
    self.assertAllClose(server.predict_rpc("tiny", "rollout", inputs)["frames"], before["frames"])

    os.kill(server._process.pid, signal.SIGKILL)
    server.exit_code()
    again = Server(models).wait("tiny")
    self.addCleanup(again.close)
    self.assertAllClose(again.predict_rpc("tiny", "rollout", inputs)["frames"], before["frames"])

  def wait_for(self, server, version):
    """State by version, once that of `version` is END."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
      states = {entry["version"]: entry for entry in server.get("/v1/models/tiny")[1]["model_version_status"]}
      if states.get(version, {}).get("state") == "END":
        return states
      time.sleep(0.2)
    self.fail(f"version {version} is still {states}")
