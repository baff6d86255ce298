"""Builds on a Dask cluster of separate processes, with and without the death of one, and what the runner promises."""

import concurrent.futures
import os
import pathlib
import signal
import tempfile
import time

import apache_beam as beam
import distributed
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from apache_beam.options.pipeline_options import PipelineOptions
from distributed.deploy.subprocess import SubprocessCluster

from tfds_builders import two_body
from tfds_builders.dask_runner import DaskRunner

pytestmark = pytest.mark.slow  # starts whole programs


def options(cluster, *more):
  return PipelineOptions([f"--dask_client_address={cluster.scheduler_address}", *more])


def kill_the_first_that_has_results(cluster):
  """Kills the first worker that holds results; returns how many went with it."""
  with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
    for _ in range(6000):
      for address, results in client.has_what().items():
        if results:
          os.kill(client.run(os.getpid, workers=[address])[address], signal.SIGKILL)
          return len(results)
      time.sleep(0.01)
  raise AssertionError("no worker did anything")


class DaskRunnerTest(tf.test.TestCase):
  """On a scheduler and two workers of one thread, a process each; nothing starts a dead one again."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.cluster = cls.enterClassContext(SubprocessCluster(
        n_workers=2, threads_per_worker=1, worker_class="distributed.Worker", dashboard_address=None,
        worker_kwargs={"dashboard": False}))

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory()))

  def log(self, name):
    return sorted((self.folder / name).read_text().split())

  def test_every_output_is_computed_once_and_finish_bundle_counts(self):
    folder = self.folder

    def note(value, name):
      with (folder / name).open("a") as file:  # O_APPEND: whole lines from every process
        file.write(f"{value}\n")
      return value

    with beam.Pipeline(runner=DaskRunner(), options=options(self.cluster)) as pipeline:
      numbers = pipeline | beam.Create(range(10)) | "Compute" >> beam.Map(note, "computed")
      largest = numbers | beam.combiners.Top.Largest(1)  # gives its elements in finish_bundle
      total = numbers | beam.CombineGlobally(sum)
      shifted = numbers | beam.Map(lambda x, largest, total: (x % 2, x + largest[0] + total),
                                   largest=beam.pvalue.AsSingleton(largest), total=beam.pvalue.AsSingleton(total))
      sums = shifted | beam.GroupByKey() | beam.MapTuple(lambda _, group: sum(group))
      sums | "Groups" >> beam.Map(note, "groups")
      total | "Total" >> beam.Map(note, "total")
    self.assertEqual(self.log("computed"), [str(x) for x in range(10)])
    self.assertEqual(self.log("groups"), [str(20 + 5 * 54), str(25 + 5 * 54)])
    self.assertEqual(self.log("total"), ["45"])

  def test_what_it_cannot_run_is_refused(self):
    for transform in (beam.WindowInto(beam.window.FixedWindows(1)),
                      beam.ParDo(lambda x: [x]).with_outputs("odd", main="even")):
      with self.assertRaisesRegex(ValueError, "DaskRunner cannot run .*: it takes no windows, no tagged outputs"):
        with beam.Pipeline(runner=DaskRunner(), options=options(self.cluster)) as pipeline:
          pipeline | beam.Create([1, 0]) | transform

  def test_what_a_worker_raises_reaches_the_caller(self):
    with self.assertRaisesRegex(ZeroDivisionError, "modulo by zero"):
      with beam.Pipeline(runner=DaskRunner(), options=options(self.cluster)) as pipeline:
        pipeline | beam.Create([1, 0]) | beam.Map(lambda x: 1 // x)

  def build(self, name, **how):
    config = two_body.TwoBodyConfig(name="small", num_train=200, num_test=20, num_steps=3, resolution=16)
    builder = two_body.Builder(config=config, data_dir=self.folder / name)
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(**how))
    return {path.name: path.read_bytes() for path in builder.data_path.iterdir()}

  def test_the_bytes_are_those_of_a_local_build_also_when_a_worker_is_killed_halfway(self):
    alone, on_dask = self.build("alone"), options(self.cluster, "--runner=DaskRunner")
    self.assertEqual(self.build("together", beam_options=on_dask), alone)
    with concurrent.futures.ThreadPoolExecutor() as beside:
      killed = beside.submit(kill_the_first_that_has_results, self.cluster)
      self.assertEqual(self.build("killed", beam_options=on_dask), alone)
      self.assertGreater(killed.result(), 0)
    with distributed.Client(self.cluster.scheduler_address, set_as_default=False) as client:
      self.assertLen(client.nthreads(), 1)


if __name__ == "__main__":
  tf.test.main()
