"""Runs what hgn-export --format wrote, in its own runtime and without TensorFlow: REQUESTS ANSWERS FOLDER...

REQUESTS is an npz of arrays <function>/<input>, in the order of the inputs; ANSWERS of <format>/<function>/<output>.
With SECONDS in the environment ANSWERS also holds <format>/<function>/seconds, the median of calls during so long.
"""

import json
import os
import pathlib
import statistics
import sys
import time

import numpy as np


def tflite(path):
  """The function in a file, of a dict of arrays to a dict of arrays."""
  from ai_edge_litert.interpreter import Interpreter
  runner = Interpreter(str(path)).get_signature_runner()
  return lambda inputs: runner(**inputs)


def onnx(path):
  """As `tflite`."""
  import onnxruntime
  session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
  names = [output.name for output in session.get_outputs()]
  return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))


def stablehlo(path):
  """As `tflite`."""
  import jax
  run = jax.jit(jax.export.deserialize(bytearray(path.read_bytes())).call)
  return lambda inputs: {name: np.asarray(x) for name, x in run(*inputs.values()).items()}


def seconds(run, inputs, duration):
  """Median seconds of a call."""
  times, end = [], time.perf_counter() + duration
  while time.perf_counter() < end or len(times) < 3:
    start = time.perf_counter()
    run(inputs)
    times.append(time.perf_counter() - start)
  return statistics.median(times)


def main(requests, answers, *folders):
  arrays, found = np.load(requests), {}
  duration = float(os.environ.get("SECONDS", 0))
  for folder in map(pathlib.Path, folders):
    kind = json.loads((folder / "metadata.json").read_text())["format"]
    for path in folder.iterdir():
      if path.suffix != ".json":
        run = {"tflite": tflite, "onnx": onnx, "stablehlo": stablehlo}[kind](path)
        inputs = {key.split("/")[1]: arrays[key] for key in arrays if key.split("/")[0] == path.stem}
        found |= {f"{kind}/{path.stem}/{name}": x for name, x in run(inputs).items()}
        if duration:
          found[f"{kind}/{path.stem}/seconds"] = seconds(run, inputs, duration)
  np.savez(answers, **found)
  foreign = {name.split(".")[0] for name in sys.modules} & {"tensorflow", "keras", "hgn_tf", "export"}
  sys.exit(f"imported {foreign}" if foreign else 0)


if __name__ == "__main__":
  main(*sys.argv[1:])
