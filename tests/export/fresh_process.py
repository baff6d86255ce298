"""Runs a SavedModel in a process without Keras and without this project: fresh_process.py MODEL REQUESTS ANSWERS.

REQUESTS is an npz of arrays named <signature>/<input>; ANSWERS of <signature>/<output>.
"""

import sys

sys.modules["keras"] = None  # TensorFlow imports Keras where it finds it

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402


def main(path, requests, answers):
  session = tf.compat.v1.Session(graph=tf.Graph())
  with session.graph.as_default():
    signatures = tf.compat.v1.saved_model.loader.load(session, ["serve"], path).signature_def
  arrays, found = np.load(requests), {}
  for name in sorted({key.split("/")[0] for key in arrays}):
    inputs = {info.name: arrays[f"{name}/{key}"] for key, info in signatures[name].inputs.items()}
    outputs = session.run({key: info.name for key, info in signatures[name].outputs.items()}, inputs)
    found.update({f"{name}/{key}": value for key, value in outputs.items()})
  np.savez(answers, **found)
  foreign = [m for m in sys.modules if m.split(".")[0] in ("keras", "hgn_tf", "export") and sys.modules[m]]
  sys.exit(f"imported {foreign}" if foreign else 0)


main(*sys.argv[1:])
