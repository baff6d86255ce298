"""The pictures of docs/explore.md: screenshots of the page in Chromium, used as a person uses it.

  python -m benchmarks.explore_pictures --chromium=/usr/bin/chromium
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import io
import pathlib
import tempfile

import imageio.v3 as imageio
import numpy as np
from absl import flags
from PIL import Image
from playwright.sync_api import sync_playwright

from hgn_tf import physics
from hgn_tf.commands import cli
from hgn_tf.commands.explore import catalogue, page
from hgn_tf.data import truth
from hgn_tf.training import files

_CHROMIUM = flags.DEFINE_string("chromium", "/usr/bin/chromium", "Browser.")
_OUT = flags.DEFINE_string("out", "docs/explore", "Folder to write.")
_COLORS = 255  # of a picture


class Visit:
  """A page in a browser, and pictures of it."""

  def __init__(self, browser, url, **options):
    self.view = browser.new_page(viewport={"width": 1280, "height": 950}, **options)
    self.view.goto(url)
    self.answers = 0
    self.answered()

  def answered(self):
    """Waits for the next answer."""
    self.answers += 1
    while not int(self.view.locator("[data-time]").get_attribute("data-charts") or 0) >= self.answers:
      self.view.wait_for_timeout(100)

  def press(self, name, now=None):
    if now is not None:
      self.view.evaluate(f"hgnPlayer.play(false); hgnPlayer.seek({now})")
    self.view.get_by_role("button", name=name).click()
    self.answered()

  def choose(self, label, option):
    self.view.get_by_label(label, exact=True).first.click()
    self.view.get_by_role("option", name=option, exact=True).click()
    self.answered()

  def picture(self, name, now=None):
    if now is not None:
      self.view.evaluate(f"hgnPlayer.play(false); hgnPlayer.seek({now})")
    self.view.evaluate("scrollTo(0, 0)")
    self.view.wait_for_timeout(500)
    image = Image.open(io.BytesIO(self.view.screenshot())).convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    files.write_bytes(pathlib.Path(_OUT.value) / f"{name}.png", file.getvalue())
    print(f"Wrote {name}.png, {len(file.getvalue()) // 1000} kB", flush=True)


def _clip(num_frames):
  """The file of a film of two bodies that no dataset has."""
  spec = physics.default_spec("two_body", num_steps=num_frames - 1, seed=7)
  frames, _ = truth.simulate(spec, "mine", 1, 64)
  path = pathlib.Path(tempfile.mkdtemp()) / "my_clip.gif"
  imageio.imwrite(path, (255 * frames[0]).astype(np.uint8), duration=100)
  return path


def main(argv):
  del argv
  server = page.launch(catalogue.Catalogue())
  with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=_CHROMIUM.value, args=["--no-sandbox"])
    visit = Visit(browser, server.local_url)
    visit.picture("film", 10)
    visit.picture("past", -90)
    visit.view.locator("[data-role=speed]").fill("-1.5")
    visit.picture("speed")
    visit.press("Kick now", 30)
    visit.picture("kick", 50)
    visit.press("Undo all")
    visit.press("Euler beside leapfrog")
    visit.picture("euler", 60)
    visit.press("The paper's HGN beside it")
    visit.picture("paper", 110)
    visit = Visit(browser, server.local_url, color_scheme="dark")
    visit.choose("model", "hgn_compact_pendulum")
    visit.press("Add energy now", 30)
    visit.picture("energy", 64)
    visit = Visit(browser, server.local_url)
    visit.view.set_input_files("input[type=file]", _clip(60))
    visit.answered()
    visit.picture("clip", 40)
    visit.view.reload()
    visit.view.set_input_files("input[type=file]", _clip(9))
    visit.view.get_by_test_id("toast-body").wait_for()
    visit.picture("bad_clip")
    browser.close()
  server.close(verbose=False)


if __name__ == "__main__":
  cli.run(main)
