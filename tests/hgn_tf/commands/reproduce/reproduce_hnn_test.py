"""hgn-reproduce hnn: runs, resumes, and writes a page that says what the files say."""

import functools
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
import terminal
from absl.testing import parameterized

from hgn_tf.commands.reproduce import (
  hnn_data,
  hnn_pictures,
  hnn_report,
  hnn_runs,
  hnn_tasks,
  pixel_hnn_runs,
  sweep,
)
from hgn_tf.evaluation.plots import hnn as plots
from hgn_tf.mechanics.phase_space import PhaseSpace


@functools.cache
def two_runs():
  """A folder with runs of the HNN on mass_spring, of seeds 0 and 1."""
  folder = pathlib.Path(tempfile.mkdtemp())
  make(folder, models=["hnn"], seeds=(0, 1))
  return folder


def make(folder, tasks=("mass_spring",), models=None, seeds=(0,), **changes):
  """Makes what is missing in a folder: (task, model, seed) each."""
  groups = list(hnn_tasks.missing(folder, tasks, models, seeds, {"steps": 3, "hidden": (8,), **changes}))
  with mock.patch.object(hnn_runs, "LONG", 2):
    for group in groups:
      hnn_tasks.make(group, folder)
  return [(task, model, seed) for group in groups for task, model, seed, _ in group]


class ReproduceTest(tf.test.TestCase, parameterized.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.folder = pathlib.Path(folder.name)

  def make(self, *args, **kwargs):
    return make(self.folder, *args, **kwargs)

  def have(self, *seeds):
    """Runs of the HNN on mass_spring lie in the folder."""
    for path in (path for seed in seeds for path in two_runs().glob(f"mass_spring-hnn-{seed}.*")):
      shutil.copy(path, self.folder)

  @pytest.mark.slow
  def test_makes_what_is_missing_and_no_more(self):
    self.have(0)
    before = (self.folder / "mass_spring-hnn-0.json").read_bytes()
    self.assertEqual(self.make(models=["baseline", "hnn"], seeds=(0, 1)), [
        ("mass_spring", "baseline", 0), ("mass_spring", "baseline", 1), ("mass_spring", "hnn", 1)])
    self.assertLen(list(self.folder.glob("*.json")), 4)
    self.assertEqual((self.folder / "mass_spring-hnn-0.json").read_bytes(), before)

  def test_page_holds_the_means_and_the_pictures(self):
    self.have(0, 1)
    self.make(["pendulum_friction"], ["damped"])
    hnn_report.write(self.folder, self.folder / "docs" / "hnn.md")
    page = (self.folder / "docs" / "hnn.md").read_text()
    losses = [json.loads((self.folder / f"mass_spring-hnn-{seed}.json").read_text())["test_loss"] for seed in (0, 1)]
    self.assertIn(f"{np.mean(losses):.2e} ± {np.abs(losses[0] - losses[1]) / 2:.0e}", page)
    self.assertIn("3.59e-02 ± 2e-03", page)  # the original's
    for name in ("mass_spring", "pendulum_friction", "energy"):
      self.assertIn(f"(hnn/{name}.png)", page)
      self.assertTrue((self.folder / "docs" / "hnn" / f"{name}.png").exists())

  def test_every_model_has_its_label_and_pixel_pictures_are_the_hnns(self):
    self.assertContainsSubset([*hnn_runs.MODELS, *pixel_hnn_runs.MODELS], plots.LABELS)
    normal = np.random.default_rng(0).normal
    arrays = {"codes": normal(size=(9, 2)), "trajectory": normal(size=(20, 2)), "frames": normal(size=(10, 8, 8)),
              "kick": 10}
    np.savez(self.folder / "pixel_pendulum-baseline-0.npz", **arrays)
    self.assertEmpty(hnn_pictures.draw(self.folder, hnn_report.TITLES, self.folder / "without"))
    axis = np.linspace(-1, 1, 7)
    arrays.update(q_axis=axis, p_axis=axis, energy_grid=normal(size=(7, 7)))
    np.savez(self.folder / "pixel_pendulum-hnn-0.npz", **arrays)
    (path,) = hnn_pictures.draw(self.folder, hnn_report.TITLES, self.folder / "with")
    self.assertTrue(path.exists())

  @pytest.mark.slow
  def test_other_settings_are_refused(self):
    self.have(0)
    with self.assertRaisesRegex(ValueError, "mass_spring-hnn-0.json was made with other settings"):
      self.make(models=["hnn"], steps=4)

  @parameterized.parameters((dict(tasks=["brick"]), "Unknown task 'brick'; known: mass_spring"),
                            (dict(models=["gan"]), "Unknown model 'gan'; known: baseline"))
  def test_unknown_names(self, arguments, message):
    with self.assertRaisesRegex(ValueError, message):
      self.make(**arguments)

  def test_no_runs_no_page(self):
    with self.assertRaisesRegex(ValueError, "No runs in .*hgn-reproduce hnn"):
      hnn_report.write(self.folder, self.folder / "hnn.md")

  def test_a_dataset_that_is_not_there_is_left_out(self):
    (group,) = hnn_tasks.missing(self.folder, ["real_pendulum"], ["hnn"], (0,), {"steps": 2})
    self.assertStartsWith(hnn_tasks.make(group, self.folder, data_dir=self.folder / "nothing"),
                          "real_pendulum is left out")
    self.assertEmpty(list(self.folder.glob("*.json")))

  @pytest.mark.slow  # starts whole programs
  def test_processes_make_the_same_runs(self):
    groups = list(hnn_tasks.missing(self.folder, ["mass_spring"], ["hnn"], (0, 1), {"steps": 2, "hidden": (4,)}))
    with terminal.terminal() as said:
      sweep.make(hnn_tasks.make, [(group, self.folder / "two", None, 1) for group in groups], jobs=2)
    self.assertRegex(said(), r"(?s)Reproducing:.* 0/2 .*Reproducing:.* 1/2 ")
    hnn_tasks.make(groups[0], self.folder / "one")
    one, two = (json.loads((self.folder / folder / "mass_spring-hnn-0.json").read_text()) for folder in ("one", "two"))
    self.assertAllClose(one["test_loss"], two["test_loss"], rtol=1e-5)
    self.assertLen(list((self.folder / "two").glob("*.json")), 2)

  @pytest.mark.slow  # starts whole programs
  def test_command(self):
    self.have(0)
    done = subprocess.run([sys.executable, "-m", "hgn_tf.reproduce", "hnn", "--report_only",
                           f"--results={self.folder}",
                           f"--doc={self.folder}/hnn.md"], capture_output=True, text=True, timeout=300)
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertIn("Ideal mass-spring", (self.folder / "hnn.md").read_text())

  @pytest.mark.slow  # starts whole programs
  def test_unknown_command_lists_the_known(self):
    command = [sys.executable, "-m", "hgn_tf.reproduce", "hnnn"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    self.assertEqual(done.returncode, 1)
    self.assertIn("unknown command 'hnnn'; known: follow_up, hgn, hnn, law", done.stderr)


class MeasuresTest(tf.test.TestCase, parameterized.TestCase):

  def test_the_true_field_has_no_energy_error(self):
    data = hnn_data.load("pendulum", 0)

    class Truth:
      config = hnn_runs.config_of("pendulum", "hnn", 0)
      dynamics = staticmethod(data.system.hamiltonian)

      def rollout(self, starts, steps, dt, method):
        del method
        return PhaseSpace(*np.split(data.true_states(len(starts), dt, steps), 2, axis=-1))

    found = hnn_runs.energy_measures("pendulum", Truth(), data)
    self.assertLess(found["energy_mse"], 1e-20)
    self.assertLess(found["long_energy_mse"], 1e-20)
    self.assertEqual(found["long_energy_steps"], 10 * found["energy_steps"])

  def test_friction_is_compared_with_the_decaying_truth(self):
    data = hnn_data.load("mass_spring_friction", 0)
    energy = data.true_energy(2, 0.05, 200)
    self.assertAllLess(energy[:, -1] / energy[:, 0], 0.1)

  def test_random_batches_follow_seed_and_step(self):
    config, data = hnn_runs.config_of("mass_spring", "hnn", 3, batch_size=5), hnn_data.load("mass_spring", 0)
    first, again = (list(hnn_runs.batches(config, data).take(2)) for _ in range(2))
    self.assertAllEqual(first[1][0], again[1][0])
    self.assertNotAllEqual(first[0][0], first[1][0])
    rows = [np.flatnonzero((np.float32(data.x) == x).all(axis=1))[0] for x in first[0][0].numpy()]
    self.assertAllClose(first[0][1], data.dx[rows])

  @parameterized.parameters(
      ((1.0, 0.1), "energy_mse", True), ((3.1, 0.1), "energy_mse", False), ((3.1, 0.1), "test_loss", True),
      ((3.5, 0.1), "test_loss", False))
  def test_goal(self, ours, measure, expected):
    self.assertEqual(hnn_report.met(ours, (3.0, 0.2), measure), expected)

  def test_fitted_pendulum_finds_its_coefficient(self):
    q = np.linspace(-1.0, 1.0, 40)
    x = np.stack([q, np.sqrt(3.0 - 2.4 * (1.0 - np.cos(q)))], axis=1)
    self.assertAllClose(hnn_data.FittedPendulum.fit(x).k, 2.4)


if __name__ == "__main__":
  tf.test.main()
