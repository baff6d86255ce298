"""The example scripts load in silence; that they run is shown where what they show is tested."""

import os
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf
from absl.testing import parameterized

pytestmark = pytest.mark.slow  # starts whole programs

_ROOT = pathlib.Path(__file__).parents[2]
_LOAD = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='example')"


class SilenceTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*sorted(path.name for path in (_ROOT / "examples").glob("*.py")))
  def test_loading_says_nothing(self, name):
    path = [str(_ROOT), str(_ROOT / "examples"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run([sys.executable, "-c", _LOAD, str(_ROOT / "examples" / name)], capture_output=True, text=True,
                          timeout=300, env={**os.environ, "PYTHONPATH": os.pathsep.join(path)})
    if "No module named 'pytriton'" in done.stderr:
      self.skipTest("nvidia-pytriton has an environment of its own: docs/artefacts.md")
    self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


if __name__ == "__main__":
  tf.test.main()
