"""What both clients share: the sequences to send, the rows of a request, the GIF of the answers. NumPy and imageio."""

import argparse
import pathlib

import numpy as np


def parse_arguments(description, address):
  """The command line of a client."""
  parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("--address", default=address, help=f"of the server (default: {address})")
  parser.add_argument("--model", required=True, help="name of the model, such as hgn_mass_spring")
  parser.add_argument("--label", help="version label, such as stable (default: the newest version)")
  parser.add_argument("--frames", type=pathlib.Path, required=True, help="npz with `frames` uint8 [N, T, H, W, C]")
  parser.add_argument("--dt", type=float, default=0.125, help="time between frames")
  parser.add_argument("--num_steps", type=int, help="steps forward and back (default: those of the frames)")
  parser.add_argument("--out", type=pathlib.Path, required=True, help="GIF to write")
  args = parser.parse_args()
  args.frames = np.load(args.frames)["frames"]
  args.num_steps = args.frames.shape[1] - 1 if args.num_steps is None else args.num_steps
  return args


def both_ways(args):
  """The inputs of one request: every sequence once into the future and once into the past."""
  rows = len(args.frames)
  return {"frames": np.concatenate([args.frames, args.frames]),
          "dt": np.repeat([args.dt, -args.dt], rows).astype(np.float32),
          "num_steps": np.full(2 * rows, args.num_steps, np.int32)}


def write_gif(path, sent, answer, scale=4, fps=12):
  """Columns: what was sent, the future, the past; one row per sequence.

  Args:
    path: file to write.
    sent: uint8 [N, T, H, W, C].
    answer: outputs of `both_ways`, with frames uint8.
    scale: pixels per pixel.
    fps: frames per second.
  """
  import imageio.v3 as imageio
  if np.any(answer["status"]):
    raise SystemExit(f"error: the server answered with status {answer['status'].tolist()}; its README has the codes")
  length = answer["frames"].shape[1]
  shown = np.concatenate([sent, np.repeat(sent[:, -1:], max(0, length - sent.shape[1]), axis=1)], axis=1)[:, :length]
  future, past = np.split(answer["frames"], 2)
  movie = np.concatenate([np.concatenate(list(part), axis=1) for part in (shown, future, past)], axis=2)
  imageio.imwrite(path, movie.repeat(scale, 1).repeat(scale, 2), extension=".gif", duration=1000 / fps, loop=0)
  print(f"Sent {len(sent)} sequences, got {length} frames into the future and the past: {path}")
