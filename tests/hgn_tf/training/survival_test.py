"""A run that dies of NaN, of a full disk or of SIGKILL leaves a whole checkpoint, and the next start goes on."""

import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
import tiny

from hgn_tf import data
from hgn_tf.models import HGN
from hgn_tf.training import callbacks
from hgn_tf.training.workdir import Workdir


def finite(model):
  return all(np.isfinite(weight).all() for weight in model.get_weights())


class SurvivalTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.workdir = Workdir(pathlib.Path(self.get_temp_dir()) / "run")
    self.config = tiny.config(steps=12)

  def train(self, frames, epochs):
    """Four steps an epoch, each of which ends with a checkpoint."""
    self.workdir.create(self.config, tiny.DATASET, tiny.data_dir())
    model = HGN(self.config)
    model.compile()
    hooks = [callbacks.StopOnNotFinite(), callbacks.Checkpoints(self.workdir)]
    model.fit(frames, steps_per_epoch=4, epochs=epochs, callbacks=hooks, shuffle=False, verbose=0)
    return model

  def frames(self):
    return data.train_batches(tiny.DATASET, batch_size=self.config.batch_size, size=tiny.SIZE, num_frames=tiny.FRAMES,
                              data_dir=tiny.data_dir())

  def command(self, module, **kwargs):
    fields = json.dumps({key: value for key, value in tiny.FIELDS.items() if key != "steps"})
    flags = {"train": [f"--dataset={tiny.DATASET}", f"--data_dir={tiny.data_dir()}", f"--set={fields}", "--steps=12",
                       "--save_every=4"], "evaluate": []}[module]
    return subprocess.Popen([sys.executable, "-m", f"hgn_tf.{module}", f"--workdir={self.workdir.path}", *flags],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)

  def test_a_loss_that_is_not_finite_names_its_step_and_keeps_the_last_finite_weights(self):
    poison = lambda i, frames: tf.where(i < 6, frames, np.nan)  # noqa: E731
    with self.assertRaisesRegex(callbacks.NotFinite, "The loss became nan at step 7; .*newest checkpoint"):
      self.train(self.frames().enumerate().map(poison), epochs=3)
    self.assertEqual(self.workdir.latest_step(), 4)
    self.assertTrue(finite(self.workdir.load_model()))

  @pytest.mark.slow
  def test_weights_that_are_not_finite_are_not_saved(self):
    poison = lambda i, frames: tf.where(i < 7, frames, np.nan)  # noqa: E731, the last step before a checkpoint
    with self.assertRaises(callbacks.NotFinite):
      model = self.train(self.frames(), epochs=1)
      hooks = [callbacks.Checkpoints(self.workdir)]
      model.fit(self.frames().enumerate(4).map(poison), steps_per_epoch=4, callbacks=hooks, shuffle=False, verbose=0)
    self.assertEqual(self.workdir.latest_step(), 4)

  @pytest.mark.slow  # starts whole programs
  def test_a_full_disk_is_one_clear_line_and_the_next_start_goes_on(self):
    self.train(self.frames(), epochs=1)

    def no_large_files():  # a write beyond it fails as on a full disk
      signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
      resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    failed = self.command("train", preexec_fn=no_large_files)
    output, errors = failed.communicate(timeout=300)
    self.assertEqual(failed.returncode, 1, errors)
    self.assertIn("Going on from step 4 of 12", output)
    self.assertLen(errors.strip().splitlines(), 1, errors)
    self.assertRegex(errors, "error: .*File too large")
    self.assertEqual(self.workdir.latest_step(), 4)
    again = self.command("train")
    output, errors = again.communicate(timeout=300)
    self.assertEqual(again.returncode, 0, errors)
    self.assertIn("Going on from step 4 of 12", output)
    self.assertEqual([row["step"] for row in self.workdir.history()], [4, 8, 12])

  @pytest.mark.slow  # starts whole programs
  def test_a_killed_evaluation_leaves_no_figures_and_can_be_repeated(self):
    self.train(self.frames(), epochs=1)
    out = self.workdir.path / "evaluation"
    killed = self.command("evaluate")
    deadline = time.monotonic() + 200
    while not out.exists() and killed.poll() is None and time.monotonic() < deadline:
      time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    self.assertTrue(out.exists())
    self.assertFalse((out / "metrics.json").exists())
    self.assertFalse((out / "report.html").exists())
    again = self.command("evaluate")
    output, errors = again.communicate(timeout=300)
    self.assertEqual(again.returncode, 0, errors)
    self.assertIn("Evaluating the checkpoint of step 4", output)
    self.assertTrue((out / "report.html").exists())
