"""Sends sequences to a model server over REST, gets their future and their past, writes a GIF.

  python examples/client_rest.py --model=hgn_mass_spring --frames=sequence.npz --out=rest.gif
"""

import json
import urllib.error
import urllib.request

import numpy as np
from client_common import both_ways, parse_arguments, write_gif


def predict(address, model, label, signature, inputs):
  """The outputs of one Predict call, by name, as arrays."""
  version = f"/labels/{label}" if label else ""
  body = {"signature_name": signature, "inputs": {name: array.tolist() for name, array in inputs.items()}}
  request = urllib.request.Request(f"http://{address}/v1/models/{model}{version}:predict", json.dumps(body).encode(),
                                   {"Content-Type": "application/json"})
  try:
    with urllib.request.urlopen(request, timeout=300) as response:
      outputs = json.load(response)["outputs"]
  except urllib.error.HTTPError as error:
    raise SystemExit(f"error: HTTP {error.code}: {error.read().decode()}") from error
  except OSError as error:
    raise SystemExit(f"error: no answer from {address}: {error}") from error
  return {name: np.asarray(value) for name, value in outputs.items()}


def main():
  args = parse_arguments(__doc__, "127.0.0.1:8501")
  answer = predict(args.address, args.model, args.label, "rollout_uint8", both_ways(args))
  write_gif(args.out, args.frames, {**answer, "frames": answer["frames"].astype(np.uint8)})


if __name__ == "__main__":
  main()
