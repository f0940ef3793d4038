// graphs.js - the models' layers as ONNX graphs of random weights, as an exporter of
// PyTorch writes them: channels first, batch norm and layer scale folded where an
// exporter folds them
'use strict';
const { Graph } = require('./onnx.js');

const DIMS = [96, 192, 384, 768], DEPTHS = [3, 3, 9, 3];

function conv(g, x, inputs, outputs, k, { stride = 1, pad = 0, group = 1 } = {}) {
    const fan = (inputs / group) * k * k;
    const w = g.noise([outputs, inputs / group, k, k], Math.sqrt(3 / fan));
    return g.node('Conv', [x, w, g.noise([outputs], 0.02)], {
        kernel_shape: [k, k],
        strides: [stride, stride],
        pads: [pad, pad, pad, pad],
        group,
    });
}

const relu = (g, x) => g.node('Relu', [x]);
const transpose = (g, x, perm) => g.node('Transpose', [x], { perm });

// Channels last.
function norm(g, x, C) {
    return g.node('LayerNormalization', [x, g.noise([C], 1), g.noise([C], 0.02)],
        { axis: -1, epsilon: 1e-6 });
}

function normFirst(g, x, C) {
    return transpose(g, norm(g, transpose(g, x, [0, 2, 3, 1]), C), [0, 3, 1, 2]);
}

function linear(g, x, inputs, outputs) {
    const w = g.noise([inputs, outputs], Math.sqrt(3 / inputs));
    return g.node('Add', [g.node('MatMul', [x, w]), g.noise([outputs], 0.02)]);
}

function block(g, x, C) {
    let y = conv(g, x, C, C, 7, { pad: 3, group: C });
    y = norm(g, transpose(g, y, [0, 2, 3, 1]), C);
    y = g.node('Gelu', [linear(g, y, C, 4 * C)]);
    y = linear(g, y, 4 * C, C);
    y = g.node('Mul', [y, g.noise([C], 0.1)]);
    return g.node('Add', [x, transpose(g, y, [0, 3, 1, 2])]);
}

function backbone(g, x) {
    const maps = [];
    for (let s = 0; s < 4; s++) {
        const C = DIMS[s];
        if (s === 0) {
            x = normFirst(g, conv(g, x, 3, C, 4, { stride: 4 }), C);
        } else {
            x = conv(g, normFirst(g, x, DIMS[s - 1]), DIMS[s - 1], C, 2, { stride: 2 });
        }
        for (let i = 0; i < DEPTHS[s]; i++) x = block(g, x, C);
        maps.push(normFirst(g, x, C));
    }
    return maps;
}

function resize(g, x, scale, mode) {
    return g.node('Resize', [x, '', g.floats([1, 1, scale, scale])], mode === 'nearest'
        ? { mode, coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }
        : { mode: 'linear', coordinate_transformation_mode: 'half_pixel' });
}

function backboneOnly(g, x) {
    for (const map of backbone(g, x)) g.output(map, 'float', 4);
}

function detector(g, x) {
    const C = 256;
    const lateral = backbone(g, x).map((map, i) => conv(g, map, DIMS[i], C, 1));
    for (let i = 3; i > 0; i--) {
        const up = resize(g, lateral[i], 2, 'nearest');
        lateral[i - 1] = g.node('Add', [lateral[i - 1], up]);
    }
    const maps = lateral.map((map) => conv(g, map, C, C, 3, { pad: 1 }));
    maps.push(g.node('MaxPool', [maps[3]], { kernel_shape: [1, 1], strides: [2, 2] }));
    for (const map of maps) {
        const hidden = relu(g, conv(g, map, C, C, 3, { pad: 1 }));
        g.output(conv(g, hidden, C, 3, 1), 'float', 4);
        g.output(conv(g, hidden, C, 12, 1), 'float', 4);
    }
}

// Of a coarsest map of 16 x 16. The six bins of a side are taken from single cells:
// what that leaves out is 256 additions a channel.
function pooled(g, x, bins) {
    const kernel = { 1: [16, 16], 2: [8, 8], 3: [6, 5], 6: [1, 3] }[bins];
    return g.node('AveragePool', [x], {
        kernel_shape: [kernel[0], kernel[0]], strides: [kernel[1], kernel[1]],
    });
}

function upernet(g, x) {
    const C = 512, maps = backbone(g, x);
    const parts = [maps[3]];
    for (const bins of [1, 2, 3, 6]) {
        const y = relu(g, conv(g, pooled(g, maps[3], bins), DIMS[3], C, 1));
        parts.push(resize(g, y, 16 / bins, 'linear'));
    }
    const pyramid = g.node('Concat', parts, { axis: 1 });
    const top = relu(g, conv(g, pyramid, DIMS[3] + 4 * C, C, 3, { pad: 1 }));
    const outs = [null, null, null, top];
    let path = top;
    for (let i = 2; i >= 0; i--) {
        const lateral = relu(g, conv(g, maps[i], DIMS[i], C, 1));
        path = g.node('Add', [lateral, resize(g, path, 2, 'linear')]);
        outs[i] = relu(g, conv(g, path, C, C, 3, { pad: 1 }));
    }
    for (let i = 1; i < 4; i++) outs[i] = resize(g, outs[i], 1 << i, 'linear');
    const all = g.node('Concat', outs, { axis: 1 });
    const fused = relu(g, conv(g, all, 4 * C, C, 3, { pad: 1 }));
    const logits = resize(g, conv(g, fused, C, 150, 1), 4, 'linear');
    g.output(g.node('ArgMax', [logits], { axis: 1, keepdims: 0 }), 'int64', 3);
}

const GRAPHS = { backbone: backboneOnly, detector, upernet };

// The bytes of a model.
function build(name, height, width) {
    const g = new Graph();
    GRAPHS[name](g, g.input([1, 3, height, width]));
    return g.model();
}

module.exports = { build };
