"""The page in a real browser, as a person uses it: one server and one browser for all tests."""

import base64
import io
import json
import pathlib
import shutil
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import imageio.v3 as imageio
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from playwright.sync_api import sync_playwright

from hgn_tf import physics
from hgn_tf.commands.explore import catalogue, page
from hgn_tf.data import truth

pytestmark = pytest.mark.slow  # starts whole programs

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 60.0  # seconds; nothing takes as long on an idle machine
MEGABYTES = 1


def clip(num_frames, system="two_body", name="clip.gif"):
  """The file of a film of a system, drawn at twice the models' size."""
  frames, _ = truth.simulate(physics.default_spec(system, num_steps=num_frames - 1), "test", 1, 64)
  path = pathlib.Path(tempfile.mkdtemp()) / name
  imageio.imwrite(path, (255 * frames[0]).astype(np.uint8), duration=100)
  return path


class PageTest(tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    if not CHROMIUM:
      raise unittest.SkipTest("no Chromium on PATH (Debian: apt-get install chromium)")
    cls.server = page.launch(catalogue.Catalogue(), max_megabytes=MEGABYTES)
    cls.addClassCleanup(cls.server.close, verbose=False)
    playwright = sync_playwright().start()
    cls.addClassCleanup(playwright.stop)
    cls.browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    cls.addClassCleanup(cls.browser.close)

  def setUp(self):
    super().setUp()
    self.asked, self.broken = [], []
    self.view = self.open()
    self.wait(1)
    self.view.evaluate("hgnPlayer.play(false); hgnPlayer.seek(0)")

  def open(self):
    context = self.browser.new_context(viewport={"width": 1400, "height": 1100})
    self.addCleanup(context.close)
    view = context.new_page()
    view.set_default_timeout(1000 * PATIENCE)
    view.on("request", lambda request: self.asked.append(request.url))
    view.on("pageerror", lambda error: self.broken.append(str(error)))
    view.goto(self.server.local_url)
    return view

  def tearDown(self):
    hosts = {url.split("/")[2] for url in self.asked if url.startswith(("http", "ws"))}
    self.assertEqual(hosts, {self.server.local_url.split("/")[2]})  # no other host is ever asked
    self.assertEmpty(self.broken)
    super().tearDown()

  def wait(self, answers, view=None):
    """Until the player has had so many answers, charts included."""
    view = view or self.view
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
      found = view.locator(f"[data-answers='{answers}'][data-charts]")
      if found.count() and int(found.get_attribute("data-charts")) >= answers:
        return
      view.wait_for_timeout(20)
    self.fail(f"no answer {answers}; the page says {self.told(view)}")

  def told(self, view=None):
    """The messages on a page."""
    return [text.strip() for text in (view or self.view).get_by_test_id("toast-body").all_inner_texts()]

  def expect(self, message):
    """A message of one sentence."""
    self.view.get_by_test_id("toast-body").filter(has_text=message).wait_for()
    self.assertNotIn("Traceback", " ".join(self.told()))

  def pixels(self, role, view=None):
    """What a canvas shows, [H, W, 3] in 0..255."""
    url = (view or self.view).evaluate(f"document.querySelector('[data-role={role}] canvas').toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB"), np.float32)

  def choose(self, label, option, number=0):
    self.view.get_by_label(label, exact=True).nth(number).click()
    self.view.get_by_role("option", name=option, exact=True).click()

  def press(self, name):
    self.view.get_by_role("button", name=name).click()
    self.view.evaluate("hgnPlayer.play(false)")

  def drag(self, role, value):
    self.view.locator(f"[data-role={role}]").fill(str(value))

  def test_time_is_dragged_to_the_past_and_the_model_is_where_the_world_is(self):
    for now in (0, -80):
      self.drag("time", now)
      self.assertIn(f"{now} frames", self.view.locator("[data-role=now]").inner_text())
      apart = np.mean((self.pixels("rollout") - self.pixels("truth")) ** 2) / 255**2
      self.assertLess(apart, 2e-3)
    self.assertIn("no frame of this time", self.view.locator("[data-role=film] figcaption").inner_text())

  def test_speed_plays_backward(self):
    self.drag("speed", -2)
    self.view.wait_for_timeout(500)
    self.assertLess(int(self.view.locator("[data-time]").get_attribute("data-time")), 0)
    self.assertEqual(self.view.locator("[data-role=rate]").inner_text(), "-2x")

  def test_a_kick_changes_what_comes_and_nothing_before(self):
    seen = {}
    for answers, name in ((2, "Kick now"), (3, "Undo all"), (4, "Add energy now")):
      self.view.evaluate("hgnPlayer.seek(30)")
      self.press(name)
      self.wait(answers)
      for now in (20, 80):
        self.drag("time", now)
        seen[name, now] = self.pixels("rollout")
    for name in ("Kick now", "Add energy now"):
      self.assertAllEqual(seen[name, 20], seen["Undo all", 20])
      self.assertNotAllClose(seen[name, 80], seen["Undo all", 80], atol=100)
    self.assertStartsWith(self.view.locator("[data-role=note]").inner_text(), "Pushed at frame 30")

  def test_another_model_and_euler_beside(self):
    self.choose("model", "hgn_compact_pendulum")
    self.wait(2)
    self.press("Euler beside leapfrog")
    self.wait(3)
    self.assertEqual(self.view.locator("[data-role=beside] figcaption").inner_text(), "hgn_compact_pendulum, euler")
    self.drag("time", 110)
    self.assertNotAllClose(self.pixels("rollout"), self.pixels("beside"), atol=50)
    self.assertIn("the true world", self.view.locator("[data-role=truth] figcaption").inner_text())

  def test_one_s_own_clip(self):
    self.view.set_input_files("input[type=file]", clip(40))
    self.wait(2)
    self.drag("time", 35)
    apart = np.mean((self.pixels("rollout") - self.pixels("truth")) ** 2) / 255**2
    self.assertLess(apart, 2e-3)
    self.assertEqual(self.view.locator("[data-role=truth] figcaption").inner_text(), "all that was filmed")

  def test_a_sample_of_the_prior(self):
    self.view.get_by_label("sample of the prior").check()
    self.wait(2)
    self.assertIn("all that was filmed", self.view.locator("[data-role=truth] figcaption").inner_text())

  def test_what_cannot_be_is_one_sentence(self):
    self.view.get_by_label("my clip", exact=True).check()
    self.expect("my clip: none is there yet; upload one.")
    for path, message in ((clip(9), "clip.gif must have at least 16 frames, got 9."),
                          (_file("bad.gif", b"no film" * 99), "bad.gif cannot be read: "),
                          (_file("bad.mp4", b"no film" * 99), "bad.mp4 cannot be read: "),
                          (_file("large.gif", bytes(MEGABYTES * 2**20 + 1)), "maximum")):
      self.view.set_input_files("input[type=file]", path)
      self.expect(message)
      self.view.reload()
      self.wait(1)

  def test_several_users_do_not_mix(self):
    other, note = self.open(), "[data-role=note]"
    self.wait(1, other)
    for view, now in ((self.view, 30), (other, 60)):
      view.evaluate(f"hgnPlayer.play(false); hgnPlayer.seek({now})")
      view.get_by_role("button", name="Kick now").click()
      self.wait(2, view)
    for view, now in ((self.view, 30), (other, 60)):
      self.assertStartsWith(view.locator(note).inner_text(), f"Pushed at frame {now}:")

  def test_it_listens_here_and_tells_no_files(self):
    self.assertStartsWith(self.server.local_url, "http://127.0.0.1:")
    self.assertFalse(self.server.share)
    self.assertFalse(self.server.analytics_enabled)
    with self.assertRaises(urllib.error.HTTPError):
      urllib.request.urlopen(f"{self.server.local_url}gradio_api/file=/etc/hostname")
    with urllib.request.urlopen(f"{self.server.local_url}gradio_api/info") as answer:
      self.assertEqual(json.load(answer), {"named_endpoints": {}, "unnamed_endpoints": {}})


def _file(name, content):
  path = pathlib.Path(tempfile.mkdtemp()) / name
  path.write_bytes(content)
  return path
