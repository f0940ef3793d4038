"""The arrays of a golden case: the float64 result and how far float32 is from it.

Both runs start from the same float32 weights and input. An array `x` is stored as
float32, rounded once from the float64 run, with `x.noise`: the largest difference
between the two runs over all elements, and at least the rounding of the largest element.
An array that is too large to store is sampled: `x` then holds the values at the flat
row-major indices `x.at` of an array of shape `x.shape`. Integers, bools and 8-bit arrays
are exact and have no noise.
"""
import numpy as np
import torch

SAMPLES = 500


class Arrays(dict):
    def put(self, name, x32, x64, whole=True):
        x32, x64 = torch.as_tensor(x32), torch.as_tensor(x64)
        assert x32.shape == x64.shape, name
        assert torch.isfinite(x64).all() and x64.numel(), name
        noise = max(float((x32.double() - x64.double()).abs().max()),
                    float(x64.abs().max()) * 2**-24)
        if not whole and x64.numel() > SAMPLES:
            at = np.linspace(0, x64.numel() - 1, SAMPLES).astype(np.int64)
            self[name] = x64.reshape(-1)[at].float()
            self[f"{name}.at"] = at.astype(np.int32)
            self[f"{name}.shape"] = np.array(x64.shape, dtype=np.int32)
        else:
            self[name] = x64.float()
        self[f"{name}.noise"] = np.array([noise])

    def noise(self):
        """name: noise, for the manifest."""
        end = ".noise"
        return {name[:-len(end)]: float(x[0]) for name, x in self.items()
                if name.endswith(end)}
