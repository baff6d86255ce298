"""What the page is given: models by name, sheets of frames, charts, and what is said where something cannot be."""

import base64
import dataclasses
import functools
import io
import json
import pathlib
import shutil
import tempfile

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized
from PIL import Image

from hgn_tf.commands.explore import answers, catalogue
from hgn_tf.commands.explore.answers import Choice
from hgn_tf.evaluation.explorer.films import REACH, TIMES
from hgn_tf.evaluation.explorer.rollouts import Boost, Kick

PENDULUM = Choice("hgn_compact_pendulum", world="pendulum")


@functools.cache
def box():
  return catalogue.Catalogue()


def answer(*actions, **changes):
  return answers.answer(box(), Choice(**{**vars(PENDULUM), **changes}), actions)


def frames_of(sheet, columns):
  """The frames of a sheet, uint8 [T, size, size, 3]."""
  kind, content = sheet["url"].split(",")
  assert kind == "data:image/png;base64"
  pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
  size = sheet["size"]
  rows = pixels.reshape(-1, size, columns, size, 3).transpose(0, 2, 1, 3, 4)
  return rows.reshape(-1, size, size, 3)[:sheet["count"]]


class CatalogueTest(tf.test.TestCase):

  def test_the_box_has_hgns_alone(self):
    self.assertEqual(box().names[0], "hgn_compact_two_body")
    self.assertIn("hgn_mass_spring", box().names)
    self.assertNotIn("nhf_two_moons", box().names)
    self.assertEqual(box().system("hgn_compact_pendulum"), "pendulum")

  def test_a_workdir_and_exports_come_first(self):
    folder = pathlib.Path(__file__).parents[2] / "saved_before" / "workdir"
    exports = pathlib.Path(tempfile.mkdtemp())
    for version in ("2", "10"):
      (exports / "mine_pendulum" / version).mkdir(parents=True)
      (exports / "mine_pendulum" / version / "saved_model.pb").touch()
    found = catalogue.Catalogue([folder], [exports])
    self.assertEqual(found.names[:3], [f"tiny ({folder})", f"mine_pendulum ({exports}/mine_pendulum/10)",
                                       "hgn_compact_two_body"])
    self.assertEqual([found.system(name) for name in found.names[:2]], ["mass_spring", "pendulum"])
    self.assertEqual(found.subject(found.names[0]).facts.num_frames, 5)
    self.assertIs(found.subject(found.names[0]), found.subject(found.names[0]))

  def test_two_runs_of_own_films_by_one_name(self):
    saved, folders = pathlib.Path(__file__).parents[2] / "saved_before" / "workdir", [tempfile.mkdtemp() for _ in "ab"]
    for folder in folders:
      shutil.copytree(saved, folder, dirs_exist_ok=True)
      settings = json.loads((saved / "config.json").read_text())
      settings |= {"dataset": "video_folder/my_pendulum", "data_dir": f"{folder}/tfds"}
      pathlib.Path(folder, "config.json").write_text(json.dumps(settings))
    found = catalogue.Catalogue(folders)
    worlds = [found.system(name) for name in found.names[:2]]
    self.assertEqual(worlds, [f"video_folder/my_pendulum ({folder})" for folder in folders])
    self.assertEqual([found.stored[world] for world in worlds],
                     [("video_folder/my_pendulum", f"{folder}/tfds") for folder in folders])

  def test_films_of_a_world_that_nobody_knows(self):
    folder, films = tempfile.mkdtemp(), np.random.default_rng(0).integers(0, 256, (2, 20, 32, 32, 3), np.uint8)
    tfds.dataset_builders.store_as_tfds_dataset(
        name="my_films", version="1.0.0", data_dir=folder, split_datasets={"test": [(i, {"frames": film}) for i, film in
                                                                                    enumerate(films)]},
        features=tfds.features.FeaturesDict({"frames": tfds.features.Tensor(shape=films.shape[1:], dtype=np.uint8)}))
    found = catalogue.Catalogue()
    found.stored["my_films"] = "my_films", folder
    self.assertEqual(found.worlds[-1], "my_films")
    choice = Choice("hgn_compact_pendulum", world="my_films", number=1)
    (shown,) = answers.answer(found, choice)
    self.assertLess(min(np.abs(shown.film.frames - film / 255.0).max() for film in films), 1e-6)
    self.assertFalse(shown.film.simulated)
    self.assertEqual(answers.movie([shown])["sheets"]["truth"]["title"], "all that was filmed")
    with self.assertRaisesRegex(ValueError, "film must be below the number of test films of my_films, got 2"):
      answers.answer(found, dataclasses.replace(choice, number=2))

  def test_what_cannot_be(self):
    empty = tempfile.mkdtemp()
    for make, message in ((lambda: box().subject("nosuch"), "Unknown model 'nosuch'; known: hgn_compact_two_body, "),
                          (lambda: catalogue.Catalogue([empty]), "holds no run"),
                          (lambda: catalogue.Catalogue([], [empty]), "exports must be a directory that hgn-export wr")):
      with self.assertRaisesRegex(ValueError, message):
        make()


class AnswerTest(parameterized.TestCase, tf.test.TestCase):

  def test_the_movie_has_every_frame_of_what_was_rolled_out(self):
    (shown,) = answer()
    movie = json.loads(json.dumps(answers.movie(shown=[shown]), allow_nan=False))
    self.assertEqual(sorted(movie["sheets"]), ["film", "rollout", "truth"])
    for role, frames, first in (("film", shown.film.frames[:16], 0), ("rollout", shown.frames, -REACH),
                                ("truth", shown.film.target, -REACH)):
      sheet = movie["sheets"][role]
      self.assertEqual((sheet["first"], sheet["count"]), (first, len(frames)))
      self.assertAllClose(frames_of(sheet, movie["columns"]) / 255.0, frames, atol=0.003)
    self.assertEqual(movie["note"], "")

  def test_cursors_follow_time_and_the_path(self):
    shown = answer(beside="hgn_compact_pendulum", beside_method="euler")
    charts = json.loads(json.dumps(answers.charts(shown), allow_nan=False))
    self.assertStartsWith(charts["picture"], "data:image/svg+xml;base64,")
    self.assertIn(b"<svg", base64.b64decode(charts["picture"].split(",")[1]))
    self.assertLen(charts["spans"], 2)
    leapfrog, euler = (dot["places"] for dot in charts["dots"])
    self.assertNotIn(None, leapfrog)
    self.assertIn(None, euler)  # it leaves the plane
    self.assertEqual(leapfrog[REACH], euler[REACH])
    q, p = (x[:, 0] for x in shown[0].rollout.states)
    x, y = np.transpose(leapfrog)
    self.assertAllClose(np.corrcoef(x, q)[0, 1], 1.0, atol=1e-4)
    self.assertAllClose(np.corrcoef(y, p)[0, 1], -1.0, atol=1e-4)  # downwards on a picture

  def test_one_model_beside_another(self):
    shown = answer(beside="hgn_compact_mass_spring")
    self.assertLen(answers.charts(shown)["dots"], 1)
    self.assertEqual([one.label for one in shown],
                     ["hgn_compact_pendulum, leapfrog", "hgn_compact_mass_spring, leapfrog"])
    self.assertLess(np.nanmean(shown[0].errors[REACH:REACH + 31]), np.nanmean(shown[1].errors[REACH:REACH + 31]))

  def test_nothing_is_compared_after_a_push(self):
    (shown,) = answer(Kick(20, 0.5), Boost(50, 0.1))
    self.assertAllEqual(TIMES[np.isfinite(shown.errors)], np.arange(-REACH, 21))
    movie = answers.movie([shown])
    self.assertEqual(movie["note"], "Pushed at frame 20: the true world was not, and no error is shown from there on.")
    self.assertEqual(movie["sheets"]["truth"]["title"], "the true world, not pushed")
    answers.charts([shown])

  def test_numbers_that_overflow_are_told(self):
    (shown,) = answer(Kick(20, 1e30), method="euler")
    self.assertBetween(shown.lost, 21, 60)
    self.assertIn(f"the numbers overflow at frame {shown.lost}.", answers.movie([shown])["note"])
    answers.charts([shown])

  def test_a_sample_of_the_prior_has_no_true_world(self):
    (one,), (other,) = (answer(source=answers.PRIOR, number=seed) for seed in (0, 1))
    sheet = answers.movie([one])["sheets"]["truth"]
    self.assertEqual((sheet["title"], sheet["first"], sheet["count"]), ("all that was filmed", 0, 31))
    self.assertNotAllClose(one.film.frames, other.film.frames, atol=0.1)
    self.assertAllEqual(TIMES[np.isfinite(one.errors)], np.arange(31))

  def test_several_who_ask_get_their_own(self):
    before = answer()[0].frames
    answer(Kick(0, 1.0), method="euler")
    self.assertAllEqual(answer()[0].frames, before)

  @parameterized.parameters(
      (dict(source=answers.CLIP), "my clip: none is there yet; upload one"),
      (dict(model="nosuch"), "Unknown model 'nosuch'"),
      (dict(beside="nosuch"), "Unknown model 'nosuch'"),
      (dict(world="moon"), "Unknown system 'moon'"),
      (dict(number=None), "film must be an integer of at least 0, got None"),
      (dict(source=answers.PRIOR, number=-1), "seed must be an integer of at least 0, got -1"))
  def test_what_cannot_be(self, changes, message):
    with self.assertRaisesRegex(ValueError, message):
      answer(**changes)

  def test_not_more_pushes_than_can_be_answered(self):
    with self.assertRaisesRegex(ValueError, "at most 20 kicks"):
      answer(*[Kick(1, 0.1)] * 21)
