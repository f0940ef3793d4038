// compare.js - densepred and ONNX Runtime on the same layers, in turn
//
// usage: node bench/compare/compare.js PROGRAM [THREADS [ROUNDS]]
//
// Each round runs ours and theirs, each in a process of its own, and each process
// reports the median of its runs; the table has the least over the rounds, so that what
// else the machine did counts little. "CPU" is CPU time divided by threads, "wall" is
// what a clock shows. The peer and its graphs are made under build/compare.
'use strict';
const { execFileSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { build } = require('./graphs.js');

const PEER = 'onnxruntime-node@1.30.0';
const folder = path.resolve('build/compare');
const packages = path.join(folder, 'node_modules');
const RUNS = 5;

const BACKBONE = ['stage1', 'stage2', 'stage3', 'stage4'];
const CASES = [
    { name: 'ConvNeXt-T backbone', graph: 'backbone', height: 512, width: 512,
        model: 'ade20k/upernet_convnext_tiny_512', size: '512x512', parts: BACKBONE },
    { name: 'UperNet-T, labels', graph: 'upernet', height: 512, width: 512,
        model: 'ade20k/upernet_convnext_tiny_512', size: '512x512' },
    { name: 'ConvNeXt-T backbone', graph: 'backbone', height: 800, width: 1344,
        model: 'coco/mask_rcnn_convnext_tiny', size: '800x1344', parts: BACKBONE },
    { name: 'backbone, FPN, RPN', graph: 'detector', height: 800, width: 1344,
        model: 'coco/mask_rcnn_convnext_tiny', size: '800x1344',
        parts: [...BACKBONE, 'neck', 'rpn'] },
];

function install() {
    if (fs.existsSync(path.join(packages, 'onnxruntime-node'))) return;
    fs.mkdirSync(folder, { recursive: true });
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund',
        '--prefix', folder, PEER], { stdio: ['ignore', 'ignore', 'inherit'] });
}

function graphFile(c) {
    const file = path.join(folder, `${c.graph}_${c.height}x${c.width}.onnx`);
    if (!fs.existsSync(file)) fs.writeFileSync(file, build(c.graph, c.height, c.width));
    return file;
}

// Neither side may be told how many threads to use but by us.
function run(program, args) {
    const env = { ...process.env };
    delete env.OPENBLAS_NUM_THREADS;
    delete env.OPENBLAS_CORETYPE;
    return JSON.parse(execFileSync(program, args, { env, maxBuffer: 1 << 24 }));
}

function ours(program, c, threads) {
    const report = run(program, ['bench', c.model, '--size', c.size, '--runs', RUNS,
        '--threads', threads, '--json', '-']);
    const parts = report.parts.filter((p) => c.parts && c.parts.includes(p.name));
    const sum = (key) => parts.reduce((total, p) => total + p[key], 0);
    return {
        wall: c.parts ? sum('ms_median') : report.total_ms_median,
        cpu: c.parts ? sum('cpu_ms_median') : report.total_cpu_ms_median,
        memory: report.peak_bytes / (1 << 20),
        peak: report.machine.peak_gflops,
        isa: report.machine.isa,
    };
}

function theirs(c, threads) {
    return run('node', [path.join(__dirname, 'peer.js'), packages, graphFile(c),
        c.height, c.width, threads, RUNS]);
}

const least = (list, key) => Math.min(...list.map((r) => r[key]));

function compare(program, c, threads, rounds) {
    const a = [], b = [];
    for (let i = 0; i < rounds; i++) {
        a.push(ours(program, c, threads));
        b.push(theirs(c, threads));
    }
    const pair = (key) => {
        const x = least(a, key), y = least(b, key);
        return `${x.toFixed(0).padStart(7)} ${y.toFixed(0).padStart(7)}` +
            `${(x / y).toFixed(2).padStart(7)}`;
    };
    console.log(`${c.name.padEnd(20)} ${`${c.height}x${c.width}`.padEnd(9)}` +
        `${pair('cpu')}  ${pair('wall')}  ` +
        `${Math.max(...a.map((r) => r.peak)).toFixed(0).padStart(5)}`);
}

function main() {
    const [program, threads = '2', rounds = '3'] = process.argv.slice(2);
    if (!program) {
        console.error('usage: compare.js PROGRAM [THREADS [ROUNDS]]');
        process.exit(2);
    }
    install();
    console.log(`${PEER}, ${threads} threads, spinning off; ${rounds} rounds of ` +
        `${RUNS} runs; ${os.cpus().length} processors\n`);
    console.log(`${''.padEnd(30)}${'CPU ms'.padStart(14)}${''.padStart(9)}` +
        `${'wall ms'.padStart(14)}`);
    console.log(`${'layers'.padEnd(20)} ${'input'.padEnd(9)}   ours   theirs  ratio` +
        '     ours   theirs  ratio   peak');
    for (const c of CASES) compare(program, c, threads, Number(rounds));
}

main();
