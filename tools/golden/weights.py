"""Random weights that give a small network outputs of a useful size."""
import numpy as np
import torch


@torch.no_grad()
def randomise(model, seed):
    """Fill every parameter and buffer, in the order of the state dict."""
    rng = np.random.default_rng(seed)
    for name, value in model.state_dict().items():
        if not value.dtype.is_floating_point:
            continue  # num_batches_tracked stays 0
        normal = rng.standard_normal(value.shape)
        if value.dim() > 1:
            fan_in = value.shape[0] if "upsample" in name else value[0].numel()
            new = normal * np.sqrt(2 / fan_in)
        elif name.endswith("running_var"):
            new = rng.uniform(0.5, 1.5, value.shape)
        elif name.endswith(("weight", "gamma")):
            new = 1 + 0.2 * normal
        else:
            new = 0.1 * normal
        value.copy_(torch.from_numpy(np.asarray(new)))


@torch.no_grad()
def normalise_outputs(layer, outputs, mean, spread):
    """Change the weights of a layer so that its outputs, (n, channels) as it gave them,
    get that mean in every channel and that deviation over all."""
    factor = spread / (outputs - outputs.mean(0)).std()
    layer.bias.copy_(mean + (layer.bias - outputs.mean(0)) * factor)
    layer.weight.mul_(factor)
