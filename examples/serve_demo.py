"""Exports the trained models, starts a server, and asks it over REST and gRPC for the future and the past of sequences.

  python examples/serve_demo.py --out=serve_demo_output
"""

import argparse
import pathlib
import subprocess
import sys
import time
import urllib.request

from hgn_tf import physics, pretrained

EXAMPLES = pathlib.Path(__file__).parent
REST, RPC = 8501, 8500


def run(*command):
  """Runs a Python script or module, shows the command, ends with it where it fails."""
  print("$ python", *command, flush=True)
  if subprocess.call([sys.executable, *map(str, command)]):
    sys.exit("The command above failed.")


def wait_for(server, url, seconds=300):
  """Waits until `url` answers."""
  end = time.monotonic() + seconds
  while time.monotonic() < end and server.poll() is None:
    try:
      with urllib.request.urlopen(url, timeout=5):
        return
    except OSError:
      time.sleep(0.5)
  sys.exit(f"The server did not start: nothing answers at {url}.")


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("serve_demo_output"))
  out = parser.parse_args().out
  models = out / "models"
  systems = {f"hgn_compact_{system}": system for system in physics.PAPER
             if f"hgn_compact_{system}" in pretrained.names()}
  if not systems:
    sys.exit("This copy of hgn_tf comes with no trained HGN; train one and see hgn-export --workdir.")
  run("-m", "export", "--pretrained=all", f"--out={models}")
  server = subprocess.Popen([sys.executable, "-m", "export.server", f"--models={models}", f"--port={RPC}",
                             f"--rest_api_port={REST}"])
  try:
    for name, system in systems.items():
      wait_for(server, f"http://127.0.0.1:{REST}/v1/models/{name}")
      run(EXAMPLES / "draw_sequence.py", f"--system={system}", f"--out={out / system}.npz")
      for client in ("rest", "grpc"):
        run(EXAMPLES / f"client_{client}.py", f"--model={name}", f"--frames={out / system}.npz",
            f"--out={out / system}_{client}.gif")
  finally:
    server.terminate()
    server.wait(60)
  print(f"\nLeft what was sent, middle the future, right the past: {', '.join(map(str, sorted(out.glob('*.gif'))))}")


if __name__ == "__main__":
  main()
