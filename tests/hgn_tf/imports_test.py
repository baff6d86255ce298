"""Who may import whom, read from the source; and what importing hgn_tf costs."""

import ast
import graphlib
import pathlib
import re
import subprocess
import sys

import pytest
import tensorflow as tf
from absl.testing import parameterized

_ROOT = pathlib.Path(__file__).parents[2]
_PACKAGES = ("hgn_tf", "tfds_builders", "export")
# The rooms of hgn_tf from the ground up: each may import from itself and from those before it.
_ROOMS = ("physics", "mechanics", "networks", "flows", "models", "data", "training", "evaluation", "pretrained",
          "commands")
_UNUSED = {"data": {"networks", "flows", "models"}}  # what a room needs none of, though it stands below
_SLOW = re.compile(r"#.*\bslow\b")


def modules():
  """Module name -> file, of every package."""
  files = [file for package in _PACKAGES for file in (_ROOT / package).rglob("*.py")]
  return {".".join(file.relative_to(_ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imports(file):
  """Absolute names of what a file imports, at the top or inside functions."""
  for node in ast.walk(ast.parse(file.read_text())):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      if node.level:
        raise AssertionError(f"{file}: relative import")
      yield node.module
      yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(file):
  """The modules among what a file imports, without the packages that hold them."""
  known = modules()
  names = set(imports(file)) & set(known)
  return {name for name in names if not any(other.startswith(name + ".") for other in names)}


def room(module):
  """The room of hgn_tf that a module stands in, None for the package itself and for what is no part of it."""
  parts = module.split(".")
  return parts[1] if parts[0] == "hgn_tf" and len(parts) > 1 and parts[1] != "version" else None


class DirectionTest(parameterized.TestCase, tf.test.TestCase):

  def test_at_most_ten_rooms_and_each_says_what_it_is(self):
    beside = {"__init__.py", "version.py", "__pycache__"}
    found = {path.name for path in (_ROOT / "hgn_tf").iterdir()} - beside
    self.assertEqual(found, set(_ROOMS))
    self.assertLessEqual(len(found), 10)
    for name in _ROOMS:
      self.assertTrue(ast.get_docstring(ast.parse((_ROOT / "hgn_tf" / name / "__init__.py").read_text())), name)

  def test_rooms_import_only_what_stands_below(self):
    for module, file in modules().items():
      if room(module):
        for name in filter(room, ours(file)):
          self.assertLessEqual(_ROOMS.index(room(name)), _ROOMS.index(room(module)), f"{module} imports {name}")
          self.assertNotIn(room(name), _UNUSED.get(room(module), ()), f"{module} imports {name}")

  def test_nothing_in_hgn_tf_imports_export_or_the_builders(self):
    for module, file in modules().items():
      for name in ours(file):
        package = name.split(".")[0]
        if module.startswith("hgn_tf") and package != "hgn_tf":
          self.assertIn((module, package), [(f"hgn_tf.data.{name}", "tfds_builders")
                                            for name in ("clips", "folder", "stored")])
        if module.startswith("tfds_builders"):
          self.assertTrue(package == "tfds_builders" or name.startswith("hgn_tf.physics"), f"{module} imports {name}")

  def test_what_makes_saved_models_needs_no_server(self):
    for module, file in modules().items():
      if module.startswith("export") and not module.startswith("export.server"):
        self.assertEmpty([name for name in ours(file) if name.startswith("export.server")], module)

  def test_imports_inside_functions_are_those_that_are_slow(self):
    for module, file in modules().items():
      lines = file.read_text().splitlines()
      for function in ast.walk(ast.parse(file.read_text())):
        if isinstance(function, ast.FunctionDef):
          inner = [node for node in ast.walk(function) if isinstance(node, ast.ImportFrom) and node.module.split(".")[0]
                   in _PACKAGES or isinstance(node, ast.Import) and node.names[0].name.split(".")[0] in _PACKAGES]
          if inner:
            self.assertTrue(any(_SLOW.search(lines[node.lineno - 1]) for node in inner), f"{module} {function.name}")

  def test_no_cycles(self):
    graph = {module: ours(file) - {module} for module, file in modules().items()}
    self.assertLen(tuple(graphlib.TopologicalSorter(graph).static_order()), len(graph))

  def test_physics_knows_no_tensorflow(self):
    for module, file in modules().items():
      if module.startswith("hgn_tf.physics"):
        roots = {name.split(".")[0] for name in imports(file)}
        self.assertEmpty(roots & {"tensorflow", "keras", "tensorflow_probability", "tensorflow_datasets"}, module)


@pytest.mark.slow  # starts whole programs
class CostTest(parameterized.TestCase, tf.test.TestCase):

  def loaded(self, code):
    """Top-level modules loaded by `code` in a new process, which has to be silent."""
    done = subprocess.run([sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], cwd=_ROOT,
                          capture_output=True, text=True, timeout=300, check=True)
    self.assertEqual(done.stderr, "")
    return {name.split(".")[0] for name in done.stdout.split()}

  @parameterized.parameters("hgn_tf", "hgn_tf.physics")
  def test_needs_no_tensorflow(self, module):
    self.assertEmpty(self.loaded(f"import {module}") & {"tensorflow", "keras", "matplotlib", "tensorflow_datasets"})

  def test_models_need_no_datasets(self):
    loaded = self.loaded("import hgn_tf; hgn_tf.models.HGN, hgn_tf.integrate")
    self.assertEmpty(loaded & {"tensorflow_datasets", "apache_beam", "tfds_builders"})

  def test_unknown_name_lists_the_public_ones(self):
    done = subprocess.run([sys.executable, "-c", "import hgn_tf; hgn_tf.rollout"], cwd=_ROOT, capture_output=True,
                          text=True)
    self.assertRegex(done.stderr, "no attribute 'rollout'; public names: .*integrate")
