"""Who may import whom, read from the source; and that importing the package costs nothing."""

import ast
import pathlib
import subprocess
import sys
import time

import tensorflow as tf
from absl.testing import parameterized

ROOT = pathlib.Path(__file__).parents[2]
ENTRY_POINTS = {"train", "evaluate", "sample", "figures", "reproduce"}


def imports(path):
  """Modules that a file imports anywhere, dotted."""
  found = set()
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.Import):
      found |= {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
      found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
  return found


def within(names, package):
  return sorted(name for name in names if name == package or name.startswith(f"{package}."))


class DirectionTest(parameterized.TestCase, tf.test.TestCase):

  def test_only_data_knows_the_builders_and_nothing_knows_export(self):
    for path in (ROOT / "hgn_tf").rglob("*.py"):
      self.assertEmpty(within(imports(path), "export"), path)
      if path.name != "data.py":
        self.assertEmpty(within(imports(path), "tfds_builders"), path)

  def test_models_do_not_know_data_or_entry_points(self):
    for path in (ROOT / "hgn_tf" / "models").glob("*.py"):
      for name in {"data", "workdir", "presets", *ENTRY_POINTS}:
        self.assertEmpty(within(imports(path), f"hgn_tf.{name}"), path)

  def test_physics_is_numpy_and_scipy(self):
    for path in (ROOT / "hgn_tf" / "physics").glob("*.py"):
      ours = [name for name in imports(path) if name.startswith("hgn_tf") and not name.startswith("hgn_tf.physics")]
      self.assertEmpty([name for name in ours if name != "hgn_tf"], path)
      self.assertEmpty(within(imports(path), "tensorflow"), path)

  def test_builders_know_no_model_code(self):
    for path in (ROOT / "tfds_builders").rglob("*.py"):
      ours = {name for name in imports(path) if name.startswith("hgn_tf.")}
      self.assertEmpty([name for name in ours if not name.startswith("hgn_tf.physics")], path)

  def test_nothing_imports_an_entry_point(self):
    for path in (ROOT / "hgn_tf").rglob("*.py"):
      if path.stem not in ENTRY_POINTS and not path.stem.startswith("reproduce"):
        for name in ENTRY_POINTS:
          self.assertEmpty(within(imports(path), f"hgn_tf.{name}"), path)


class ImportTest(tf.test.TestCase):

  def run_python(self, code):
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=ROOT)
    return done, time.monotonic() - start

  def test_quiet_and_without_tensorflow(self):
    done, _ = self.run_python("import sys, hgn_tf, hgn_tf.physics; sys.exit('tensorflow' in sys.modules)")
    self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

  def test_public_names(self):
    done, _ = self.run_python("import hgn_tf; [getattr(hgn_tf, name) for name in hgn_tf.__all__]")
    self.assertEqual(done.returncode, 0, done.stderr)

  def test_unknown_name_lists_the_public_ones(self):
    done, _ = self.run_python("import hgn_tf; hgn_tf.integrat")
    self.assertIn("has no attribute 'integrat'; public names: ", done.stderr)
