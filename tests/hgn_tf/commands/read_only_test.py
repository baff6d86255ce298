"""A folder that may not be written is one error that names it, for everything that writes."""

import json
import os
import pathlib
import subprocess
import sys

import faults
import pytest
import tensorflow as tf
import tiny

pytestmark = pytest.mark.slow  # starts whole programs

_PROGRAM = """
import json, pathlib, sys
import tiny
from export import rollout, serving
from hgn_tf.evaluation.evaluate import evaluate
from hgn_tf.models import HGN
from hgn_tf.training.loop import train
from hgn_tf.training.workdir import Workdir
from tfds_builders import mass_spring

folder, data_dir = pathlib.Path(sys.argv[1]), sys.argv[2]
small = mass_spring.MassSpringConfig(name="x", num_train=1, num_test=1, num_steps=1, resolution=16)
model = HGN(tiny.config())
errors = {}
for name, run in {
    "train": lambda: train(tiny.config(), tiny.DATASET, Workdir(folder / "run"), data_dir=data_dir),
    "evaluate": lambda: evaluate(model, tiny.DATASET, folder / "figures", data_dir=data_dir),
    "export": lambda: serving.publish(rollout.servable(model), folder / "model"),
    "build": lambda: mass_spring.Builder(config=small, data_dir=folder).download_and_prepare(),
}.items():
  try:
    run()
  except OSError as error:
    errors[name] = str(error)
print(json.dumps(errors))
"""


class ReadOnlyTest(tf.test.TestCase):

  def test_every_error_names_the_folder(self):
    folder = pathlib.Path(self.get_temp_dir()) / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    self.addCleanup(folder.chmod, 0o755)
    path = os.pathsep.join([str(pathlib.Path(tiny.__file__).parent), *filter(None, sys.path)])
    done = subprocess.run([sys.executable, "-c", _PROGRAM, str(folder), tiny.data_dir()],
                          preexec_fn=faults.obey_permissions,
                          env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=300)
    self.assertEqual(done.returncode, 0, done.stderr)
    errors = json.loads(done.stdout.splitlines()[-1])
    self.assertEqual(set(errors), {"train", "evaluate", "export", "build"})
    for name, message in errors.items():
      self.assertRegex(message, f"Permission denied.*{folder}", name)
    self.assertEmpty(list(folder.iterdir()))
