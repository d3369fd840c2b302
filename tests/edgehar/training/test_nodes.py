"""Two machines, played by two processes that know of each other by torch's variables alone."""

import json
import os
import socket
import subprocess
import sys
import textwrap

import pytest

ONE_MACHINE = textwrap.dedent(
    """
    import hashlib, json, sys
    from pathlib import Path

    import numpy as np
    import torch

    from edgehar.networks import build_student
    from edgehar.training.batches import Batches, Clips
    from edgehar.training.modules import Fit
    from edgehar.training.recipe import Recipe
    from edgehar.training.stage import Machine, train

    def main():
        rng = np.random.default_rng(0)
        labels = np.arange(32) % 4
        acc = (rng.normal(0, 1, (32, 64, 3)) + labels[:, None, None]).astype(np.float32)
        recipe = Recipe(epochs=3, batch=8)
        torch.manual_seed(0)
        batches = Batches(Clips({"acc": acc}, labels, np.array(["1"] * 32), 4), recipe, 0, ranks=2)
        module = Fit(build_student("acc-micro", 4, 64), recipe, len(batches))
        machine = Machine("cpu", devices=1, nodes=2, progress=False)
        losses = train(module, batches, Path(sys.argv[1]), machine, "a")
        weights = b"".join(value.detach().numpy().tobytes() for value in module.network.state_dict().values())
        print(json.dumps({"losses": losses, "weights": hashlib.sha256(weights).hexdigest()}))

    if __name__ == "__main__":
        main()
    """
)


@pytest.mark.slow
def test_two_machines_end_with_the_same_weights(tmp_path):
    script = tmp_path / "machine.py"
    script.write_text(ONE_MACHINE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    running = []
    for node in ("0", "1"):
        known = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "NODE_RANK": node}
        (tmp_path / node).mkdir()
        words = [sys.executable, str(script), str(tmp_path / node / "a.ckpt")]
        running.append(
            subprocess.Popen(
                words, env={**os.environ, **known}, stdout=subprocess.PIPE, text=True, cwd=tmp_path
            )
        )
    told = [json.loads(each.communicate(timeout=300)[0].splitlines()[-1]) for each in running]
    assert [each.returncode for each in running] == [0, 0]
    assert told[0] == told[1]
    assert len(told[0]["losses"]) == 3
    assert not list(tmp_path.glob("*/a.ckpt"))
