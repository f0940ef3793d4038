// onnx.js - writes ONNX graphs, without a library for it
//
// The few messages of onnx.proto3 that a graph of floats needs, field by field.
'use strict';

function varint(n) {
    const bytes = [];
    for (let v = BigInt.asUintN(64, BigInt(n)); ; v >>= 7n) {
        if (v < 128n) {
            bytes.push(Number(v));
            return Buffer.from(bytes);
        }
        bytes.push(Number(v & 127n) | 128);
    }
}

const int = (field, n) => Buffer.concat([varint(field << 3), varint(n)]);
const bytes = (field, b) =>
    Buffer.concat([varint((field << 3) | 2), varint(b.length), b]);
const text = (field, s) => bytes(field, Buffer.from(s));
const message = (field, ...parts) => bytes(field, Buffer.concat(parts));

function float(field, value) {
    const b = Buffer.alloc(4);
    b.writeFloatLE(value);
    return Buffer.concat([varint((field << 3) | 5), b]);
}

const FLOAT = 1, INT64 = 7; // of a tensor

function attribute(name, value) {
    const parts = [text(1, name)];
    if (Array.isArray(value)) parts.push(...value.map((v) => int(8, v)), int(20, 7));
    else if (typeof value === 'string') parts.push(text(4, value), int(20, 3));
    else if (Number.isInteger(value)) parts.push(int(3, value), int(20, 2));
    else parts.push(float(2, value), int(20, 1));
    return message(5, ...parts);
}

function valueInfo(field, name, type, shape) {
    const dims = shape.map((d) => message(1, int(1, d)));
    return message(field, text(1, name),
        message(2, message(1, int(1, type), message(2, ...dims))));
}

class Graph {
    constructor() {
        this.nodes = [];
        this.initializers = [];
        this.outputs = [];
        this.count = 0;
        this.state = 1;
    }

    name(hint) {
        return `${hint}_${this.count++}`;
    }

    // A tensor of the file: uniform noise in [-width, width].
    noise(shape, width) {
        const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
        for (let i = 0; i < data.length; i++) {
            this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
            data[i] = width * (this.state / 2147483648 - 1);
        }
        return this.constant(FLOAT, shape, Buffer.from(data.buffer));
    }

    floats(values) {
        return this.constant(FLOAT, [values.length],
            Buffer.from(Float32Array.from(values).buffer));
    }

    ints(values) {
        return this.constant(INT64, [values.length],
            Buffer.from(BigInt64Array.from(values.map(BigInt)).buffer));
    }

    constant(type, shape, raw) {
        const name = this.name('w');
        this.initializers.push(message(5, ...shape.map((d) => int(1, d)), int(2, type),
            text(8, name), bytes(9, raw)));
        return name;
    }

    node(type, inputs, attributes = {}) {
        const name = this.name(type);
        this.nodes.push(message(1, ...inputs.map((i) => text(1, i)), text(2, name),
            text(3, name), text(4, type),
            ...Object.entries(attributes).map(([k, v]) => attribute(k, v))));
        return name;
    }

    input(shape) {
        this.inputShape = shape;
        return 'image';
    }

    output(name, type, rank) {
        this.outputs.push(message(12, text(1, name),
            message(2, message(1, int(1, type === 'int64' ? INT64 : FLOAT),
                message(2, ...Array(rank).fill(message(1)))))));
    }

    model() {
        const graph = message(7, ...this.nodes, text(2, 'graph'), ...this.initializers,
            valueInfo(11, 'image', FLOAT, this.inputShape), ...this.outputs);
        return Buffer.concat([int(1, 9), graph, message(8, text(1, ''), int(2, 20))]);
    }
}

module.exports = { Graph };
