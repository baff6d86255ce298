"""hgn-reproduce on a Dask cluster of two processes, one of which is killed."""

import concurrent.futures
import os
import pathlib
import signal
import sys
import tempfile
import time
from unittest import mock

import distributed
import pytest
import tensorflow as tf
import tiny
import tiny_rows
from absl import flags
from absl.testing import flagsaver
from distributed.deploy.subprocess import SubprocessCluster

from hgn_tf.commands.reproduce import hgn, hgn_runs, one_run
from hgn_tf.commands.reproduce.hgn_runs import Run
from hgn_tf.training import files
from hgn_tf.training.workdir import Workdir

pytestmark = pytest.mark.slow  # starts whole programs

_STEPS = 200


class ReproduceOnClusterTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory()))
    self.enter_context(mock.patch.dict(hgn_runs.ROWS, tiny_rows.ROWS))
    self.enter_context(mock.patch.object(hgn_runs, "make", tiny_rows.make))
    path = os.pathsep.join([str(pathlib.Path(tiny_rows.__file__).parent), *sys.path])
    self.enter_context(mock.patch.dict(os.environ, PYTHONPATH=path))  # of the workers and of the processes
    self.one = Run("hgn", tiny.DATASET, 0, _STEPS)

  def reproduce(self, name, *where):
    with flagsaver.flagsaver():
      flags.FLAGS(["hgn-reproduce", f"--datasets={tiny.DATASET}", f"--steps={_STEPS}", "--limit=4",
                   f"--data_dir={tiny.data_dir()}", f"--results={self.folder / name}",
                   f"--workdirs={self.folder / name}_runs", f"--docs={self.folder / name}_docs", *where])
      hgn.main([])

  def workdir(self, name):
    return Workdir(self.folder / f"{name}_runs" / self.one.name)

  def kill_the_worker_after_a_checkpoint(self, scheduler):
    """Returns the lines of the history that the checkpoints at that moment know of."""
    with distributed.Client(scheduler, set_as_default=False) as client:
      for _ in range(3000):
        if step := self.workdir("killed").latest_step():
          (busy,) = (address for address, tasks in client.processing().items() if tasks)
          os.kill(client.run(os.getpid, workers=[busy])[busy], signal.SIGKILL)
          return [row for row in self.workdir("killed").history() if row["step"] <= step]
        time.sleep(0.05)
    raise AssertionError("no checkpoint")

  def test_the_run_of_a_killed_worker_goes_on_elsewhere_and_ends_as_if_nothing_had_been(self):
    self.reproduce("alone")
    with SubprocessCluster(n_workers=2, threads_per_worker=1, worker_class="distributed.Worker", dashboard_address=None,
                           worker_kwargs={"dashboard": False}) as cluster:
      with concurrent.futures.ThreadPoolExecutor() as beside:
        killed = beside.submit(self.kill_the_worker_after_a_checkpoint, cluster.scheduler_address)
        self.reproduce("killed", f"--scheduler={cluster.scheduler_address}")
        before = killed.result()
      with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        self.assertLen(client.nthreads(), 1)
    self.assertLess(len(before), len(self.workdir("killed").history()))
    self.assertEqual(self.workdir("killed").history()[:len(before)], before)  # with its seconds: nothing was done twice
    self.assertLen(list((self.folder / "killed").iterdir()), 1)
    self.assertTrue((self.folder / "killed_docs" / "results.md").exists())
    found, expected = (files.read_json(one_run.result_path(self.folder / name, self.one))
                       for name in ("killed", "alone"))
    self.assertAllClose(*([row["loss"] for row in result["history"]] for result in (found, expected)), rtol=1e-4)
    self.assertAllClose(found["test"]["mse"], expected["test"]["mse"], rtol=1e-4)


if __name__ == "__main__":
  tf.test.main()
