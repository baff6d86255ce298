"""Training on several devices or machines, one of which dies, ends with the weights of one device with the batch."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
import tensorflow as tf
import tiny

from hgn_tf.models import replicas
from hgn_tf.training import devices
from hgn_tf.training.workdir import Workdir

_SUPERVISED = "import sys; from hgn_tf.training.supervisor import supervise; sys.exit(supervise(sys.argv[1:], 3))"
_SCRIPT = pathlib.Path(__file__).with_name("train_on_devices.py")


def free_ports(count):
  sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
  ports = [s.getsockname()[1] for s in sockets]
  for s in sockets:
    s.close()
  return ports


class DevicesTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.folder, self.said = pathlib.Path(self.get_temp_dir()), []

  def start(self, strategy, name, **environment):
    """Training in a process of its own, started again when it dies, and where its weights will be."""
    weights = self.folder / f"{name}.npz"
    arguments = [strategy, self.folder / strategy, tiny.data_dir(), weights]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    process = subprocess.Popen([sys.executable, "-c", _SUPERVISED, sys.executable, _SCRIPT, *map(str, arguments)],
                               env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    self.addCleanup(process.terminate)
    return process, weights

  def kill_after_a_checkpoint(self, supervisor, workdir):
    """Kills what the supervisor has started; returns the step of the newest checkpoint."""
    while not (step := workdir.latest_step()) and supervisor.poll() is None:
      time.sleep(0.01)
    psutil.Process(supervisor.pid).children()[0].kill()
    return step

  def weights(self, process, path):
    output, _ = process.communicate(timeout=300)
    self.assertEqual(process.returncode, 0, output)
    self.said.append(output)
    return list(np.load(path).values())

  @pytest.mark.slow  # starts whole programs
  def test_two_devices_and_two_workers_one_of_which_is_killed_train_as_one(self):
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    config = [json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}}) for i in range(2)]
    started = [self.start("multi_worker", f"worker{i}", TF_CONFIG=config[i]) for i in range(2)]
    others = [self.start(strategy, strategy) for strategy in ("one", "mirrored")]
    step = self.kill_after_a_checkpoint(started[1][0], Workdir(self.folder / "multi_worker"))
    workers = [self.weights(*one) for one in started]
    for output, end in zip(self.said, ("ended with exit code", "was killed by signal 9"), strict=True):
      self.assertIn(f"The run {end}", output)
      self.assertIn(f"Going on from step {step} of 16", output)
    one, mirrored = [self.weights(*other) for other in others]
    for found in (*workers, mirrored):
      for x, y in zip(found, one, strict=True):
        self.assertAllClose(x, y, rtol=1e-4, atol=1e-6)
    for x, y in zip(*workers, strict=True):
      self.assertAllEqual(x, y)
    rows = [[[row[key] for key in ("step", "loss", "mse", "kl", "multiplier")] for row in
             Workdir(self.folder / strategy).history()] for strategy in ("one", "mirrored", "multi_worker")]
    self.assertAllClose(rows[0], rows[1], rtol=1e-4)
    self.assertAllClose(rows[0], rows[2], rtol=1e-4)
    self.assertEqual(Workdir(self.folder / "multi_worker").latest_step(), 16)

  def test_unknown_strategy(self):
    with self.assertRaisesRegex(ValueError, "Unknown devices 'tpu'; known: one, mirrored, multi_worker"):
      devices.strategy("tpu")

  def test_random_rows_do_not_depend_on_the_devices_outside_of_a_strategy(self):
    draw = lambda rows: tf.random.stateless_normal([rows, 3], (0, 1))  # noqa: E731
    self.assertAllEqual(replicas.rows_of_replica(draw, 4), draw(4))
