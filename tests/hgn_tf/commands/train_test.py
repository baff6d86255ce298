import json
import pathlib
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
import tensorflow as tf
import terminal
import tiny

from hgn_tf.models import HGN
from hgn_tf.training.workdir import Workdir

_STEPS, _EVERY = 30, 5


def command(module, **flags):
  return [sys.executable, "-m", f"hgn_tf.{module}", *(f"--{name}={value}" for name, value in flags.items())]


def train_command(workdir, **changes):
  fields = json.dumps({key: value for key, value in tiny.FIELDS.items() if key != "steps"})
  return command("train", **{**dict(preset="hgn", dataset=tiny.DATASET, data_dir=tiny.data_dir(), workdir=workdir,
                                    steps=_STEPS, save_every=_EVERY, set=fields), **changes})


def checkpoint(workdir):
  """Writes a checkpoint of the untrained model."""
  model = HGN(tiny.config())
  model.compile()
  workdir.manager(model).save(7)


def run(arguments):
  return subprocess.run(arguments, capture_output=True, text=True, timeout=300)


@pytest.mark.slow  # starts whole programs
class TrainTest(tf.test.TestCase):

  def test_killed_run_ends_with_the_weights_of_an_unbroken_one(self):
    whole, killed = (pathlib.Path(self.get_temp_dir()) / name for name in ("whole", "killed"))
    done = run(train_command(whole))
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertIn("Starting at step 0 of 30", done.stdout)
    process = subprocess.Popen(train_command(killed, restarts=1), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    deadline = time.monotonic() + 200
    while Workdir(killed).latest_step() < 2 * _EVERY and time.monotonic() < deadline and process.poll() is None:
      time.sleep(0.02)
    psutil.Process(process.pid).children()[0].kill()
    step = Workdir(killed).latest_step()
    self.assertBetween(step, 2 * _EVERY, _STEPS - _EVERY)
    output, errors = process.communicate(timeout=300)
    self.assertEqual(process.returncode, 0, errors)
    self.assertIn("was killed by signal 9; it is started again, 0 restarts are left", errors)
    self.assertIn(f"Going on from step {step} of 30", output)
    a, b = Workdir(whole), Workdir(killed)
    for x, y in zip(a.load_model().get_weights(), b.load_model().get_weights(), strict=True):
      self.assertAllClose(x, y, rtol=1e-5, atol=1e-6)
    drop = lambda rows: [[row["step"], row["loss"], row["mse"], row["kl"]] for row in rows]  # noqa: E731
    self.assertAllClose(drop(a.history()), drop(b.history()), rtol=1e-4)
    self._evaluates_and_samples(whole)
    self._refuses(whole)

  def _evaluates_and_samples(self, workdir):
    with terminal.terminal() as said:
      done = subprocess.run(command("evaluate", workdir=workdir), stdout=subprocess.PIPE, stderr=sys.stderr, text=True,
                            timeout=300)
    self.assertEqual(done.returncode, 0, said())
    self.assertIn("relative excess", done.stdout)
    self.assertRegex(said(), r"(?s)Evaluating: train:.* 1/6 .*Films of train:.* 1/1 .*Evaluating: other speeds:.* 5/6 ")
    figures = json.loads((workdir / "evaluation" / "metrics.json").read_text())
    self.assertEqual((figures["train"]["sequences"], figures["test"]["sequences"]), (24, 6))
    self.assertGreater(figures["test"]["noise_floor"], 0.0)
    page = (workdir / "evaluation" / "report.html").read_text()
    self.assertGreaterEqual(page.count("data:image/"), 6)
    self.assertNotIn('src="http', page)
    out = workdir / "samples.gif"
    done = run(command("sample", workdir=workdir, num=3, out=out))
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertEqual(out.read_bytes()[:6], b"GIF89a")

  def _refuses(self, workdir):
    before = (workdir / "config.json").read_bytes()
    done = run(train_command(workdir, preset="hgn_euler"))
    self.assertEqual(done.returncode, 1)
    self.assertRegex(done.stderr, "belongs to another run .*method: 'leapfrog' there, 'euler' asked")
    self.assertLen(done.stderr.strip().splitlines(), 1)
    self.assertEqual((workdir / "config.json").read_bytes(), before)


@pytest.mark.slow  # starts whole programs
class FindPairsTest(tf.test.TestCase):

  def test_a_compact_run_with_as_many_pairs_as_its_frames_have_dimensions(self):
    workdir = pathlib.Path(self.get_temp_dir()) / "run"
    fields = json.dumps(dict(num_frames=tiny.FRAMES, size=tiny.SIZE, context=3, frames_per_step=2, batch_size=4))
    done = run([*train_command(workdir, preset="hgn_compact", set=fields, steps=2), "--find_pairs"])
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertRegex(done.stdout, r"Frames have dimension \d\.\d\d \(TwoNN .*\): pairs=1")
    self.assertEqual(Workdir(workdir).load_model().config.pairs, 1)

  def test_refuses_models_without_pairs_and_pairs_that_are_given(self):
    for changes, got in ((dict(), "got 'hgn'"), (dict(preset="hgn_compact", set='{"pairs": 2}'), "and pairs")):
      done = run([*train_command(self.get_temp_dir(), **changes), "--find_pairs"])
      self.assertEqual(done.returncode, 1)
      self.assertRegex(done.stderr, f"--find_pairs needs a preset whose state is so many pairs.*{got}")


@pytest.mark.slow  # starts whole programs
class PixelHNNTest(tf.test.TestCase):

  def test_trains_and_evaluates(self):
    workdir = pathlib.Path(self.get_temp_dir()) / "run"
    fields = json.dumps(dict(num_frames=tiny.FRAMES, size=tiny.SIZE, hidden=16, dynamics_hidden=[16], batch_size=4))
    done = run(train_command(workdir, preset="pixel_hnn", set=fields, steps=6, save_every=3))
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertEqual(type(Workdir(workdir).load_model()).__name__, "PixelHNN")
    done = run(command("evaluate", workdir=workdir))
    self.assertEqual((done.returncode, done.stderr), (0, ""))  # no bars in a pipe
    figures = json.loads((workdir / "evaluation" / "metrics.json").read_text())
    self.assertLen(figures["test"]["per_frame"], tiny.FRAMES)
    self.assertIn("energy_drift", figures["test"])


class WorkdirTest(tf.test.TestCase):

  def test_empty_folder(self):
    with self.assertRaisesRegex(ValueError, "holds no run .*hgn-train --workdir="):
      Workdir(self.get_temp_dir()).load_model()

  def test_a_folder_older_than_a_field_of_the_config(self):
    workdir = Workdir(self.get_temp_dir())
    workdir.create(tiny.config(), tiny.DATASET)
    checkpoint(workdir)
    path = workdir.path / "config.json"
    settings = json.loads(path.read_text())
    del settings["model"]["prior_rank"]
    path.write_text(json.dumps(settings))
    workdir.create(tiny.config(), tiny.DATASET)
    with self.assertRaisesRegex(ValueError, "model.prior_rank: 16 there, 9 asked"):
      workdir.create(tiny.config(prior_rank=9), tiny.DATASET)

  def test_a_run_that_ended_before_its_first_checkpoint_has_no_claim(self):
    workdir = Workdir(self.get_temp_dir())
    workdir.create(tiny.config(num_frames=7), tiny.DATASET)
    workdir.write_history([{"step": 5, "loss": 1.0}])  # written before the checkpoint that failed
    workdir.create(tiny.config(), tiny.DATASET)
    self.assertEqual(workdir.config, tiny.config())
    checkpoint(workdir)
    with self.assertRaisesRegex(ValueError, "belongs to another run .model.num_frames: 5 there, 7 asked."):
      workdir.create(tiny.config(num_frames=7), tiny.DATASET)

  def test_no_checkpoint_yet(self):
    workdir = Workdir(self.get_temp_dir())
    workdir.create(tiny.config(), tiny.DATASET)
    with self.assertRaisesRegex(ValueError, "has no checkpoint yet"):
      workdir.load_model()

  def test_checkpoint_of_other_shape(self):
    workdir = Workdir(self.get_temp_dir())
    checkpoint(workdir)
    other = HGN(tiny.config(decoder_filters=16))
    other.compile()
    before = [w.copy() for w in other.get_weights()]
    with self.assertRaisesRegex(ValueError, "checkpoint .*step-7 does not fit the model"):
      workdir.restore(other)
    for x, y in zip(before, other.get_weights(), strict=True):
      np.testing.assert_array_equal(x, y)

  def test_interrupted_checkpoint_is_not_taken_for_a_whole_one(self):
    workdir = Workdir(self.get_temp_dir())
    checkpoint(workdir)
    (workdir.path / "checkpoints" / "step-14.data-00000-of-00001").write_bytes(b"half")
    self.assertEqual(workdir.latest_step(), 7)
