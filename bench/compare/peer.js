// peer.js - times a graph in ONNX Runtime
//
// usage: node peer.js PACKAGE-FOLDER FILE HEIGHT WIDTH THREADS RUNS; prints JSON
'use strict';
const [folder, file, height, width, threads, runs] = process.argv.slice(2);
const ort = require(`${folder}/onnxruntime-node`);

const middle = (list) => list.sort((a, b) => a - b)[list.length >> 1];

async function main() {
    const session = await ort.InferenceSession.create(file, {
        executionProviders: ['cpu'],
        graphOptimizationLevel: 'all',
        intraOpNumThreads: Number(threads),
        interOpNumThreads: 1,
        logSeverityLevel: 3,
        extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
    const data = new Float32Array(3 * height * width);
    for (let i = 0; i < data.length; i++) data[i] = Math.sin(i * 0.37) * 2;
    const shape = [1, 3, Number(height), Number(width)];
    const image = new ort.Tensor('float32', data, shape);
    const wall = [], cpu = [];
    await session.run({ image }); // to warm up
    for (let i = 0; i < runs; i++) {
        const used = process.cpuUsage(), begin = process.hrtime.bigint();
        await session.run({ image });
        wall.push(Number(process.hrtime.bigint() - begin) / 1e6);
        const took = process.cpuUsage(used);
        cpu.push((took.user + took.system) / 1e3 / threads);
    }
    console.log(JSON.stringify({
        wall: middle(wall), cpu: middle(cpu),
        memory: process.resourceUsage().maxRSS / 1024,
    }));
}

main();
