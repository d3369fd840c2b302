"""How much faster the adaptive graph convolution is than a loop over its equations, one thread, one run.

The batch is (16, 20, 32, 16): 16 clips of 20 joints, 32 steps and 16 channels, as the skeleton teacher's
first blocks see it in training. The loop is 2s-AGCN's equations 3 to 5 as they stand, for one clip and one
way at a time. Both are timed forwards and backwards, turn by turn so that a busy machine slows both
alike, after a check that outputs and gradients are the same. Medians of processor time are compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

import torch
from timing import interleaved
from torch import Tensor

from edgehar.models.agcn import AdaptiveGraphConvolution
from edgehar.models.graphs import KINECT

BAR = 2.0
CLIPS, STEPS, WIDTH = 16, 32, 16


def equations(layer: AdaptiveGraphConvolution, x: Tensor) -> Tensor:
    """f_out (N, V, T, C') of x (N, V, T, C), clip by clip and way by way."""
    ways = len(layer.skeletal)
    theta, phi = layer.heard.weight.chunk(ways), layer.hearing.weight.chunk(ways)
    bias = layer.hearing.bias.chunk(ways)
    clips = []
    for clip in x:
        joints, steps, _ = clip.shape
        out = torch.zeros(joints, steps, layer.weight.shape[2])
        for k in range(ways):
            heard = (clip @ theta[k].T).reshape(joints, -1)
            hearing = (clip @ phi[k].T + bias[k]).reshape(joints, -1)
            own = torch.softmax(heard @ hearing.T / heard.shape[1], dim=0)
            graph = layer.skeletal[k] + layer.learned[k] + own
            out = out + torch.einsum("vw,vtc->wtc", graph, clip) @ layer.weight[k]
        clips.append(out)
    return torch.stack(clips)


def measure(repeats: int) -> dict[str, float | str]:
    """Median milliseconds of both and their ratio, after a check that both say the same."""
    torch.manual_seed(0)
    layer = AdaptiveGraphConvolution(WIDTH, WIDTH, torch.from_numpy(KINECT.adjacency()))
    torch.nn.init.normal_(layer.learned, std=0.1)
    x = torch.randn(CLIPS, len(KINECT.joints), STEPS, WIDTH)

    def gradients(say: Callable[[Tensor], Tensor]) -> tuple[Tensor, list[Tensor]]:
        given = x.clone().requires_grad_()
        layer.zero_grad()
        said = say(given)
        said.square().mean().backward()
        return said.detach(), [p.grad for p in (given, *layer.parameters()) if p.grad is not None]

    loop, ours = gradients(lambda given: equations(layer, given)), gradients(layer)
    torch.testing.assert_close(ours, loop, atol=1e-5, rtol=1e-4)
    loop_ms, ours_ms = interleaved(
        repeats,
        lambda: gradients(lambda given: equations(layer, given)),
        lambda: gradients(layer),
        clock=time.process_time,
    )
    error = (ours[0] - loop[0]).abs().max().item()
    return {
        "batch": f"({CLIPS}, {len(KINECT.joints)}, {STEPS}, {WIDTH})",
        "loop_ms": loop_ms,
        "edgehar_ms": ours_ms,
        "ratio": loop_ms / ours_ms,
        "bar": BAR,
        "max_difference": error,
    }


def main() -> int:
    """Prints the ratio; exit code 1 if it is below the bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=50, help="timed turns of each (default 50)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(options.repeats)
    if options.json:
        print(json.dumps(found))
    else:
        print(
            f"Adaptive graph convolution of {found['batch']} and back, one thread:"
            f" loop {found['loop_ms']:.1f} ms, edgehar {found['edgehar_ms']:.1f} ms:"
            f" {found['ratio']:.1f} x as fast (bar {BAR:g} x)"
        )
    return 0 if found["ratio"] >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
