"""Draws test sequences of a simulated system, to send to a model server.

  python examples/draw_sequence.py --system=mass_spring --num=2 --out=sequence.npz
"""

import argparse

import numpy as np

from hgn_tf import physics


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("--system", choices=sorted(physics.SYSTEMS), default="mass_spring")
  parser.add_argument("--num", type=int, default=2, help="number of sequences")
  parser.add_argument("--size", type=int, default=32, help="height and width of the frames")
  parser.add_argument("--out", required=True, help="npz to write, with `frames` uint8 [N, T, H, W, C]")
  args = parser.parse_args()
  spec = physics.default_spec(args.system, resolution=2 * args.size)
  frames = physics.make_examples(spec, "test", range(args.num))["frames"].astype(np.float32)
  rows = frames.reshape(*frames.shape[:2], args.size, 2, args.size, 2, 3)
  np.savez_compressed(args.out, frames=rows.mean((3, 5)).round().astype(np.uint8))  # 2x2 means, as in training
  print(f"Wrote {args.num} sequences of {args.system}: {args.out}")


if __name__ == "__main__":
  main()
