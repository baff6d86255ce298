"""What the site is made of, without building it: its names, pages and links; `make docs` is the strict build."""

import importlib.util
import pathlib
import re

import pytest
import tensorflow as tf
import yaml
from absl.testing import parameterized

import hgn_tf
from hgn_tf import presets, pretrained

_ROOT = pathlib.Path(__file__).parents[2]
_PAGES = sorted({_ROOT / "README.md", _ROOT / "CONTRIBUTING.md", *(_ROOT / "docs").rglob("*.md"),
                 *_ROOT.glob("tfds_builders/*/README.md"), *_ROOT.glob("hgn_tf/pretrained/*.md"),
                 *_ROOT.glob("examples/notebooks/*.ipynb")})
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def _module(name):
  """A module of docs/site, which is no package."""
  spec = importlib.util.spec_from_file_location(name, _ROOT / "docs" / "site" / f"{name}.py")
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def _config():
  """mkdocs.yml without the tags of its own that it may have."""
  return yaml.load((_ROOT / "mkdocs.yml").read_text(), yaml.BaseLoader)


def _files(nav):
  """The files that a navigation names, in order."""
  if isinstance(nav, str):
    return [nav]
  entries = nav.values() if isinstance(nav, dict) else nav
  return [file for entry in entries for file in _files(entry)]


class SiteTest(parameterized.TestCase, tf.test.TestCase):

  def test_public_names_have_docstrings(self):
    self.assertEqual(_module("public_names").undocumented(), [])

  def test_public_names_are_in_the_reference(self):
    text = "\n".join(page.read_text() for page in (_ROOT / "docs" / "reference").glob("*.md"))
    shown = re.findall(r"^::: (\S+)$", text, re.MULTILINE)
    self.assertContainsSubset([f"hgn_tf.{name}" for name in hgn_tf.__all__ if name != "__version__"], shown)

  def test_presets_are_listed(self):
    text = (_ROOT / "docs" / "reference" / "presets.md").read_text()
    self.assertCountEqual(re.findall(r"^\| `(\w+)`", text, re.MULTILINE), presets.names())

  def test_navigation_has_every_page_once(self):
    cards = {page.relative_to(_ROOT).as_posix() for page in _ROOT.glob("hgn_tf/pretrained/*.md")}
    pages = {page.relative_to(_ROOT).as_posix() for page in _PAGES} - cards | {"benchmarks/README.md"}
    self.assertCountEqual(_files(_config()["nav"]), pages)

  def test_trained_models_are_listed(self):
    text = (_ROOT / "docs" / "models.md").read_text()
    self.assertCountEqual(re.findall(r"^\| \[(\w+)\]", text, re.MULTILINE), pretrained.names())

  @parameterized.named_parameters((page.relative_to(_ROOT).as_posix(), page) for page in _PAGES)
  def test_links_hold_in_the_checkout(self, page):
    links = [link for link in _LINK.findall(page.read_text()) if not link.startswith(("http:", "https:"))]
    self.assertEqual([link for link in links if not (page.parent / link).exists()], [])

  @pytest.mark.slow  # starts whole programs
  def test_readme_runs(self):
    (code,) = re.findall(r"```python\n(.*?)```", (_ROOT / "README.md").read_text(), re.DOTALL)
    names = {}
    exec(code, names)  # the code that a reader copies
    self.assertEqual(names["future"].shape, (8, 61, 32, 32, 3))
    self.assertAllClose(names["past"][:, 0], names["future"][:, 0])


if __name__ == "__main__":
  tf.test.main()
