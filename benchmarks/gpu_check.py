"""One run that says whether a GPU does what the CPU does, and how fast: `make gpu-check` writes benchmarks/gpu.md.

  python -m benchmarks.gpu_check --report=benchmarks/gpu.md
  python -m benchmarks.gpu_check --device=cpu --check_steps=3 --set='{"batch_size": 4}'   # without a GPU

Losses of a training on the GPU beside those of the same one on the CPU of this machine; seconds of a step with and
without XLA, in float32 and with bfloat16 encoder and decoder; memory; latency of rollouts; the server. The exit code is
1 where the losses differ.
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf
from absl import flags

from export import configs, rollout, serving
from hgn_tf import physics
from hgn_tf.commands import cli
from hgn_tf.data import truth
from hgn_tf.evaluation.report import markdown_table
from hgn_tf.models import make, presets
from hgn_tf.training import files

_DEVICE = flags.DEFINE_enum("device", "gpu", ["gpu", "cpu"], "What is checked.")
_OUT = flags.DEFINE_string("report", None, "Markdown file to write (default: print only).")
_PRESET = flags.DEFINE_string("preset", "hgn", "Name in hgn_tf.presets.")
_SET = flags.DEFINE_string("set", None, "Other fields of the preset as JSON.")
_STEPS = flags.DEFINE_integer("check_steps", 200, "Training steps whose losses are compared.", lower_bound=1)
_TIMED = flags.DEFINE_integer("timed", 20, "Timed steps, and timed requests.", lower_bound=1)
_LOSSES = flags.DEFINE_string("losses", None, "Only train, and write the losses to this file.")

_FIRST, _CLOSE, _LATE = 20, 0.01, 0.1  # relative; what rounding makes of it grows with the steps


def films(config, count=64):
  """Films of a mass on a spring, float32 [count, T + 1, size, size, 3]; nothing on disk is needed."""
  spec = physics.default_spec("mass_spring", num_steps=config.num_frames - 1, resolution=2 * config.size)
  return truth.simulate(spec, "train", count, config.size)[0]


def compiled(config, jit_compile):
  """A new model with the seed of its config, compiled."""
  keras.utils.set_random_seed(config.seed)
  model = make(config)
  model.compile(jit_compile=jit_compile)
  return model


def batch(frames, config, step):
  """The batch of a step: films that follow each other, round and round."""
  return frames[np.arange(step * config.batch_size, (step + 1) * config.batch_size) % len(frames)]


def step_on(model, frames, step):
  """One training step; returns its loss."""
  model.reset_metrics()
  return float(model.train_on_batch(batch(frames, model.config, step), return_dict=True)["loss"])


def losses(config, steps):
  """Loss of each step, without XLA, whose random numbers are others, and without the rounding of TensorFloat-32."""
  tf.config.experimental.enable_tensor_float_32_execution(False)
  model, frames, found = compiled(config, False), films(config), []
  for step in range(steps):
    found.append(step_on(model, frames, step))
    if step % 20 == 0:
      print(f"  step {step} of {steps}: loss {found[-1]:.4f}", flush=True)
  tf.config.experimental.enable_tensor_float_32_execution(True)
  return found


def losses_on_cpu(steps):
  """The same in a process that sees no GPU."""
  with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "losses.json"
    subprocess.run([sys.executable, "-m", "benchmarks.gpu_check", f"--losses={file}", f"--check_steps={steps}",
                    f"--preset={_PRESET.value}", *([f"--set={_SET.value}"] if _SET.value else [])],
                   check=True, env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"})
    return files.read_json(file)


def compared(ours, cpu):
  """(table, whether they agree) of two lists of losses."""
  ours, cpu = np.array(ours), np.array(cpu)
  apart = np.abs(ours - cpu) / np.abs(cpu)
  last = slice(-min(_FIRST, len(cpu)), None)
  late = abs(ours[last].mean() / cpu[last].mean() - 1)
  rows = [[f"first {min(_FIRST, len(cpu))} steps, largest", f"{apart[:_FIRST].max():.1e}", _CLOSE],
          [f"mean of the last {min(_FIRST, len(cpu))} of {len(cpu)} steps", f"{late:.1e}", _LATE]]
  agree = bool(apart[:_FIRST].max() < _CLOSE and late < _LATE)
  return markdown_table(["losses, relative difference to the CPU's", "found", "allowed"], rows), agree


def peak_memory(device):
  """Peak MB of a GPU since the last call, "-" on a CPU."""
  if not device.startswith("GPU"):
    return "-"
  peak = tf.config.experimental.get_memory_info(device)["peak"]
  tf.config.experimental.reset_memory_stats(device)
  return round(peak / 1e6)


def median_ms(function):
  """Median milliseconds of `--timed` calls, after two that are not counted."""
  times = []
  for _ in range(_TIMED.value + 2):
    start = time.perf_counter()
    function()
    times.append(time.perf_counter() - start)
  return 1e3 * statistics.median(times[2:])


def step_times(config, device):
  """The table of training steps."""
  rows, frames = [], films(config)
  for precision in ("float32", "mixed_bfloat16"):
    for jit_compile in (False, True):
      print(f"  {precision}, {'XLA' if jit_compile else 'no XLA'}", flush=True)
      model = compiled(type(config).from_dict({**config.to_dict(), "precision": precision}), jit_compile)
      peak_memory(device)
      start = time.perf_counter()
      step_on(model, frames, 0)
      first = time.perf_counter() - start
      rows.append([precision, "yes" if jit_compile else "no", first, median_ms(lambda m=model: step_on(m, frames, 1)),
                   peak_memory(device)])
  return markdown_table(["precision", "XLA", "first step s", "step ms", "peak MB"], rows)


def rollout_times(config, device):
  """The table of rollouts."""
  model, frames, rows = compiled(config, False), films(config), []
  for count in (1, 16, 64):
    for steps in (config.num_frames - 1, 10 * (config.num_frames - 1)):
      peak_memory(device)
      taken = median_ms(lambda n=count, t=steps: model.reconstruct(frames[:n], t).numpy())
      rows.append([count, steps, taken, round(1e3 * count * (steps + 1) / taken), peak_memory(device)])
  return markdown_table(["films", "steps", "ms", "frames/s", "peak MB"], rows)


def server_times(config):
  """The table of the development server, over gRPC."""
  from benchmarks.serving import Clients, rollout_inputs  # slow: gRPC
  with tempfile.TemporaryDirectory() as folder:
    models = pathlib.Path(folder)
    serving.publish(rollout.servable(compiled(config, False)), models / "checked")
    configs.write_configs(models)
    clients, rows = Clients(models, "checked"), []
    try:
      for count in (1, 16):
        inputs = rollout_inputs({"frame_shape": config.frame_shape, "dt": config.dt}, count, config.num_frames - 1)
        taken = median_ms(lambda x=inputs: clients.rpc("rollout", x))
        rows.append([count, config.num_frames - 1, taken, round(1e3 * count / taken, 1)])
    finally:
      clients.process.terminate()
      clients.process.wait(60)
  return markdown_table(["films of a request", "steps", "ms", "films/s"], rows)


def described(device):
  """What was measured on."""
  build = tf.sysconfig.get_build_info()
  versions = f"TensorFlow {tf.__version__}, Keras {keras.__version__}"
  if not device.startswith("GPU"):
    return f"**CPU, {os.cpu_count()} cores: a test of the script, no GPU was measured.** {versions}."
  details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
  capability = ".".join(map(str, details.get("compute_capability", ())))
  return (f"**{details.get('device_name')}**, compute capability {capability}; {versions}, CUDA "
          f"{build.get('cuda_version')}, cuDNN {build.get('cudnn_version')}; {os.cpu_count()} CPU cores.")


def chosen_device():
  """ "GPU:0" or "CPU:0".

  Raises:
    ValueError: no GPU where one was asked for.
  """
  gpus = tf.config.list_physical_devices("GPU")
  if _DEVICE.value == "cpu":
    return "CPU:0"
  if not gpus:
    raise ValueError("--device=gpu needs a GPU that TensorFlow sees: pip install 'tensorflow[and-cuda]' and a driver; "
                     "--device=cpu tests this script.")
  for gpu in gpus:
    tf.config.experimental.set_memory_growth(gpu, True)  # the server has a process of its own on it
  return "GPU:0"


def report(config, device):
  """(Markdown, whether the losses agree); prints what it is at."""
  os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
  print("Losses on the device ...", flush=True)
  ours = losses(config, _STEPS.value)
  print("Losses on the CPU ...", flush=True)
  table, agree = compared(ours, losses_on_cpu(_STEPS.value))
  parts = [f"# GPU check\n\n`python -m benchmarks.gpu_check {shlex.join(sys.argv[1:])}`, preset `{config.name}`, batch "
           f"{config.batch_size}.\n\n{described(device)}\n",
           f"## Losses: {'the same' if agree else 'DIFFERENT'}\n", table]
  for title, measure in {"Training step": lambda: step_times(config, device),
                         "Rollouts": lambda: rollout_times(config, device),
                         "Server": lambda: server_times(config)}.items():
    print(f"{title} ...", flush=True)
    parts += [f"## {title}\n", measure()]
  return "\n".join(parts), agree


def main(argv):
  del argv
  config = presets.get(_PRESET.value, **cli.parse_json_object("set", _SET.value))
  if _LOSSES.value:
    files.write_bytes(_LOSSES.value, json.dumps(losses(config, _STEPS.value)).encode())
    return
  text, agree = report(config, chosen_device())
  print(text)
  if _OUT.value:
    files.write_bytes(_OUT.value, text.encode())
    print(f"Wrote {_OUT.value}")
  if not agree:
    raise ValueError("the losses of the device are not those of the CPU: see the table.")


if __name__ == "__main__":
  cli.run(main)
