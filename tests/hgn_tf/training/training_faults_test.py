"""Two processes on one folder, a kill in the midst of a checkpoint, corrupted checkpoints, a clock set back."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import faults
import pytest
import tensorflow as tf
import tiny
from absl.testing import parameterized

from hgn_tf.training import loop
from hgn_tf.training.workdir import Workdir

_STEPS = 100


def run(workdir, steps, save_every):
  return loop.train(tiny.config(steps=steps), tiny.DATASET, workdir, data_dir=tiny.data_dir(), save_every=save_every)


@pytest.mark.slow  # starts whole programs
class TwoProcessesTest(tf.test.TestCase):

  def test_the_second_is_refused_and_a_kill_in_a_checkpoint_loses_nothing_before_it(self):
    workdir = Workdir(pathlib.Path(self.get_temp_dir()) / "run")
    fields = json.dumps({key: value for key, value in tiny.FIELDS.items() if key != "steps"})
    first = subprocess.Popen(
        [sys.executable, "-m", "hgn_tf.train", f"--dataset={tiny.DATASET}", f"--data_dir={tiny.data_dir()}",
         f"--workdir={workdir.path}", f"--steps={_STEPS}", "--save_every=2", f"--set={fields}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
      self.wait_for(first, lambda: workdir.latest_step() >= 2)
      with self.assertRaisesRegex(ValueError, f"workdir .*run is in use by process {first.pid};"):
        run(workdir, _STEPS, _STEPS)
      checkpoints, newest = workdir.path / "checkpoints", workdir.latest_step()
      self.wait_for(first, lambda: any(step_of(path) > newest for path in checkpoints.glob("step-*")), pause=0.0)
    finally:
      first.send_signal(signal.SIGKILL)
      first.communicate()
    step = workdir.latest_step()
    self.assertBetween(step, newest, _STEPS - 2)
    with workdir.locked():
      self.assertEqual(int(workdir.load_model().optimizer.iterations), step)
    self.assertEqual([row["step"] for row in workdir.history()][:step // 2], list(range(2, step + 1, 2)))

  def wait_for(self, process, condition, pause=0.05):
    end = time.monotonic() + 200
    while not condition() and time.monotonic() < end:
      if process.poll() is not None:
        self.fail(process.communicate()[1])
      time.sleep(pause)


def step_of(path):
  return int(re.match(r"step-(\d+)", path.name)[1])


class EpochsTest(parameterized.TestCase):

  @parameterized.parameters(
      (0, 300, 100, [(0, 100, 3)]),
      (118, 300, 100, [(118, 82, 1), (200, 100, 1)]),  # another save_every than before
      (4, 13, 4, [(4, 4, 2), (12, 1, 1)]),
      (5, 7, 100, [(5, 2, 1)]),
      (7, 7, 5, []))
  def test_from_any_step_to_the_last(self, step, steps, save_every, expected):
    self.assertEqual(list(loop._epochs(step, steps, save_every)), expected)


class CheckpointFaultsTest(tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.trained = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())) / "run"
    run(Workdir(cls.trained), 4, 2)

  def setUp(self):
    super().setUp()
    self.workdir = Workdir(pathlib.Path(self.get_temp_dir()) / self.id().rsplit(".", 1)[1])
    shutil.copytree(self.trained, self.workdir.path)
    self.checkpoints = self.workdir.path / "checkpoints"

  @pytest.mark.slow
  def test_a_corrupted_checkpoint_is_named_and_the_one_before_it_is_the_way_on(self):
    with self.assertRaisesRegex(ValueError, "checkpoint .*step-4 is corrupted .*[Cc]hecksum.* remove .*step-4"):
      with faults.changed_byte(self.checkpoints / "step-4.data-00000-of-00001"):
        self.workdir.load_model()
    with self.assertRaisesRegex(ValueError, "checkpoint .*step-4 is corrupted .*checksum"):
      with faults.changed_byte(self.checkpoints / "step-4.index"):
        self.workdir.load_model()
    os.truncate(self.checkpoints / "step-4.data-00000-of-00001", 1000)
    with self.assertRaisesRegex(ValueError, "checkpoint .*step-4 is corrupted"):
      self.workdir.load_model()
    for path in self.checkpoints.glob("step-4.*"):
      path.unlink()
    self.assertEqual(int(self.workdir.load_model().optimizer.iterations), 2)

  def test_a_corrupted_list_of_checkpoints_is_no_reason_to_start_anew(self):
    config = (self.workdir.path / "config.json").read_bytes()
    with faults.changed_byte(self.checkpoints / "checkpoint", at=0.2):
      with self.assertRaisesRegex(ValueError, "checkpoints/checkpoint is corrupted"):
        run(self.workdir, 6, 2)
    self.assertEqual((self.workdir.path / "config.json").read_bytes(), config)
    self.assertEqual(self.workdir.latest_step(), 4)

  @pytest.mark.slow
  def test_a_clock_set_back_changes_no_order_and_deletes_nothing(self):
    ahead = time.time() + 3e7  # what was written before is a year younger than now
    for path in self.workdir.path.rglob("*"):
      os.utime(path, (ahead, ahead))
    state = self.checkpoints / "checkpoint"
    state.write_text(re.sub(r"(timestamps?: )[\d.]+", rf"\g<1>{ahead}", state.read_text()))
    self.workdir.manager(self.workdir.load_model()).save(6)
    self.assertEqual(self.workdir.latest_step(), 6)
    self.assertEqual({path.name for path in self.checkpoints.glob("*.index")}, {f"step-{i}.index" for i in (2, 4, 6)})
