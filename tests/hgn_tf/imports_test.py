"""Who may import whom, read from the source; and what importing hgn_tf costs."""

import ast
import graphlib
import pathlib
import subprocess
import sys

import tensorflow as tf
from absl.testing import parameterized

_ROOT = pathlib.Path(__file__).parents[2]
_PACKAGES = ("hgn_tf", "tfds_builders", "export")
# Each may import only what stands before it; everything else in hgn_tf may import all of these.
_CORE = [f"hgn_tf.{name}" for name in (
    "version", "phase_space", "physics", "scan", "adjoint", "hamiltonians", "integrators", "checks", "chunks",
    "precision", "devices", "conv_matrices", "networks", "distributions", "bijectors", "objectives", "optimizers",
    "metrics", "prior", "models")]


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


def rank(module):
  """Place in _CORE of a module or of the package that holds it; behind all for the others."""
  return next((i for i, name in enumerate(_CORE) if module == name or module.startswith(name + ".")), len(_CORE))


class DirectionTest(parameterized.TestCase, tf.test.TestCase):

  def test_core_names_exist(self):
    self.assertLessEqual(set(_CORE), set(modules()))

  def test_core_imports_only_what_stands_above(self):
    for module, file in modules().items():
      if rank(module) < len(_CORE):
        for name in ours(file):
          self.assertLessEqual(rank(name), rank(module), f"{module} imports {name}")

  def test_nothing_in_hgn_tf_imports_export_or_the_builders(self):
    for module, file in modules().items():
      for name in ours(file):
        package = name.split(".")[0]
        if module.startswith("hgn_tf") and package != "hgn_tf":
          self.assertEqual((module, package), ("hgn_tf.data", "tfds_builders"))
        if module.startswith("tfds_builders"):
          self.assertTrue(package == "tfds_builders" or name.startswith("hgn_tf.physics"), f"{module} imports {name}")

  def test_no_cycles(self):
    graph = {module: ours(file) - {module} for module, file in modules().items()}
    self.assertLen(tuple(graphlib.TopologicalSorter(graph).static_order()), len(graph))

  def test_physics_knows_no_tensorflow(self):
    for module, file in modules().items():
      if module.startswith("hgn_tf.physics"):
        roots = {name.split(".")[0] for name in imports(file)}
        self.assertEmpty(roots & {"tensorflow", "keras", "tensorflow_probability", "tensorflow_datasets"}, module)


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
    code = "import hgn_tf, os; os.dup2(os.open(os.devnull, os.O_WRONLY), 2); hgn_tf.models.HGN, hgn_tf.integrate"
    self.assertEmpty(self.loaded(code) & {"tensorflow_datasets", "apache_beam", "tfds_builders"})

  def test_unknown_name_lists_the_public_ones(self):
    done = subprocess.run([sys.executable, "-c", "import hgn_tf; hgn_tf.rollout"], cwd=_ROOT, capture_output=True,
                          text=True)
    self.assertRegex(done.stderr, "no attribute 'rollout'; public names: .*integrate")
