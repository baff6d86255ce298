"""TensorFlow starts in silence and as Keras' backend, whatever is around it."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf

pytestmark = pytest.mark.slow  # starts whole programs

_ROOT = pathlib.Path(__file__).parents[3]


class StartupTest(tf.test.TestCase):

  def run_code(self, code, **environment):
    return subprocess.run([sys.executable, "-c", code], cwd=_ROOT, capture_output=True, text=True, timeout=300,
                          env={**os.environ, **environment})

  def test_without_a_stderr(self):
    done = self.run_code("import os; os.close(2); import hgn_tf.mechanics; print('here')")
    self.assertEqual((done.returncode, done.stdout), (0, "here\n"))

  def test_stderr_is_back_afterwards(self):
    done = self.run_code("import os, hgn_tf.mechanics; os.write(2, b'heard')")
    self.assertEqual((done.returncode, done.stderr), (0, "heard"))

  def test_another_backend_in_keras_own_file(self):
    home = pathlib.Path(self.get_temp_dir())
    (home / "keras.json").write_text(json.dumps({"backend": "torch"}))
    done = self.run_code("import hgn_tf.mechanics, keras; print(keras.backend.backend())", KERAS_HOME=str(home))
    self.assertEqual((done.stdout, done.stderr), ("tensorflow\n", ""))


if __name__ == "__main__":
  tf.test.main()
