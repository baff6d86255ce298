"""Rolls an exported model out: forward, backward, at double and half speed. Needs TensorFlow and NumPy, nothing else.

The SavedModel runs in the session loader that TensorFlow Serving uses; neither Keras nor hgn_tf is imported.

  python examples/rollout_savedmodel.py --model=/tmp/models/hgn/1 --frames=sequences.npz --out=rollouts.npz
"""

import argparse
import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.modules["keras"] = None  # TensorFlow imports Keras where it is installed; this does without

import numpy as np  # noqa: E402

stderr = os.dup(2)
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # where TensorFlow greets, whatever the log level is
try:
  import tensorflow as tf  # noqa: E402
finally:
  os.dup2(stderr, 2)

SPEEDS = {"forward": 1.0, "backward": -1.0, "double": 2.0, "half": 0.5}


def load(path):
  """A function (signature name, **inputs) -> dict of arrays that runs the SavedModel at `path`."""
  tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
  session = tf.compat.v1.Session(graph=tf.Graph())
  with session.graph.as_default():
    signatures = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(path)).signature_def

  def run(name, **inputs):
    signature = signatures[name]
    return session.run({key: info.name for key, info in signature.outputs.items()},
                       {signature.inputs[key].name: value for key, value in inputs.items()})

  return run


def rollouts(run, frames, dt, num_steps):
  """Every output of `rollout` for every speed, as a dict of arrays <speed>_<output>."""
  found = {}
  for speed, factor in SPEEDS.items():
    rows = len(frames)
    answer = run("rollout", frames=frames, dt=np.full(rows, factor * dt, np.float32),
                 num_steps=np.full(rows, num_steps, np.int32))
    if answer["status"].any():
      raise ValueError(f"{speed}: the model answered with status {answer['status'].tolist()} (codes in metadata.json).")
    found.update({f"{speed}_{key}": value for key, value in answer.items()})
  return found


def read_frames(path):
  """float32 frames [N, T, H, W, C] in [0, 1] from an npz with `frames`, which may be bytes."""
  frames = np.load(path)["frames"]
  return frames.astype(np.float32) / 255.0 if frames.dtype == np.uint8 else frames


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("--model", type=pathlib.Path, required=True, help="version directory that hgn-export wrote")
  parser.add_argument("--frames", type=pathlib.Path, required=True, help="npz with `frames` [N, T, H, W, C]")
  parser.add_argument("--out", type=pathlib.Path, required=True, help="npz to write")
  parser.add_argument("--num_steps", type=int, help="steps of every rollout (default: those of the frames)")
  try:
    run(parser.parse_args())
  except (OSError, ValueError) as error:
    sys.exit(f"error: {error}")


def run(args):
  """Reads, rolls out, writes."""
  metadata = json.loads((args.model / "assets.extra" / "metadata.json").read_text())
  frames = read_frames(args.frames)
  num_steps = frames.shape[1] - 1 if args.num_steps is None else args.num_steps
  found = rollouts(load(args.model), frames, metadata["dt"], num_steps)
  np.savez_compressed(args.out, frames=frames, **found)
  print(f"Rolled {len(frames)} sequences out over {num_steps} steps ({', '.join(SPEEDS)}): {args.out}")


if __name__ == "__main__":
  main()
