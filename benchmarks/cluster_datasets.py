"""How fast does a Dask cluster build two_body, with how many workers, and what stops it?

  python benchmarks/cluster_datasets.py --workers=1,2,4 --num=600

Workers are processes of one thread on this machine. Processor time is that of all workers, of the scheduler and of the
process that submits; it does not depend on what else runs here, which trajectories a second do.
"""

import contextlib
import io
import os
import tempfile
import time

import distributed
import psutil
import tensorflow_datasets as tfds
from absl import app, flags
from apache_beam.options.pipeline_options import PipelineOptions
from distributed.deploy.subprocess import SubprocessCluster

from hgn_tf.evaluation.report import markdown_table
from tfds_builders import two_body

_WORKERS = flags.DEFINE_list("workers", ["1", "2", "4"], "Numbers of workers.")
_NUM = flags.DEFINE_integer("num", 600, "Trajectories, at the full size of frames.", lower_bound=1)


def build(num, **how):
  """Builds `num` trajectories; returns seconds by the clock, and what `how` made of them is forgotten."""
  with tempfile.TemporaryDirectory() as data_dir, contextlib.redirect_stdout(io.StringIO()):
    config = two_body.TwoBodyConfig(name="benchmark", num_train=num, num_test=1)
    start = time.perf_counter()
    two_body.Builder(config=config, data_dir=data_dir).download_and_prepare(
        download_config=tfds.download.DownloadConfig(**how))
    return time.perf_counter() - start


def processor_seconds(*processes):
  """Processor time that processes and their ended children have used."""
  return sum(sum(psutil.Process(process).cpu_times()[:4]) for process in processes)


def row(workers):
  """A line of the table."""
  with SubprocessCluster(n_workers=workers, threads_per_worker=1, worker_class="distributed.Worker",
                         dashboard_address=None, worker_kwargs={"dashboard": False}) as cluster:
    with distributed.Client(cluster, set_as_default=False) as client:
      client.wait_for_workers(workers)
      where = {"beam_options": PipelineOptions([f"--dask_client_address={cluster.scheduler_address}",
                                                "--runner=DaskRunner"])}
      build(20 * workers, **where)  # workers import TensorFlow
      processes = [list(client.run(os.getpid).values()), [client.run_on_scheduler(os.getpid)], [os.getpid()]]
      before = [processor_seconds(*group) for group in processes]
      with distributed.get_task_stream(client) as stream:
        seconds = build(_NUM.value, **where)
      used = [processor_seconds(*group) - start for group, start in zip(processes, before, strict=True)]
      moved = sum(end["stop"] - end["start"] for task in stream.data for end in task["startstops"]
                  if end["action"] == "transfer")
  return [workers, *figures(seconds, used), f"{1e3 * moved / _NUM.value:.2f}", len(stream.data), load()]


def figures(seconds, used):
  """Trajectories a second, milliseconds of processor time each."""
  return f"{_NUM.value / seconds:.0f}", *(f"{1e3 * one / _NUM.value:.2f}" for one in used)


def load():
  """What else runs here: the mean number of processes that want a core."""
  return f"{os.getloadavg()[0]:.1f}"


def main(_):
  lines = []
  for workers in map(int, _WORKERS.value):
    lines.append(row(workers))
    print(lines[-1], flush=True)
  before = processor_seconds(os.getpid())
  seconds = build(_NUM.value)  # no Beam: processes of this machine
  used = processor_seconds(os.getpid()) - before
  lines.append(["no cluster", *figures(seconds, [used]), None, None, None, None, load()])
  print(f"\n{_NUM.value} trajectories on {len(os.sched_getaffinity(0))} cores; processor time in ms a trajectory.\n")
  print(markdown_table(["workers", "trajectories/s", "workers' time", "scheduler's", "submitting process's",
                        "waiting for transfers", "tasks", "load"], lines))


if __name__ == "__main__":
  app.run(main)
