// What the checks of all pages share: run(body) starts headless Chromium, gives body(browser)
// and ends with the count of what check() was told; look() opens a page and checks what any
// page owes its reader.
const { chromium } = require('playwright-core');
const { execSync } = require('child_process');
const path = require('path');

let passed = 0, failed = 0;

function check(what, ok) {
    if (ok) passed++;
    else {
        failed++;
        console.log('failed: ' + what);
    }
}

// What is measured of an open page, in pixels of the screen. Runs inside the page.
function measure() {
    const box = e => e.getBoundingClientRect();
    const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 &&
                           a.top < b.bottom - 1 && b.top < a.bottom - 1;
    const style = getComputedStyle(document.body);
    const content = document.body.clientWidth - parseFloat(style.paddingLeft) -
                    parseFloat(style.paddingRight);
    const charts = Array.from(document.querySelectorAll('svg.chart'));
    // Charts side by side share the width: the row counts.
    const rows = new Map();
    for (const chart of charts) {
        const row = Math.round(box(chart).top);
        rows.set(row, (rows.get(row) || 0) + box(chart).width);
    }
    let smallest = Infinity, collisions = 0;
    for (const chart of charts) {
        const texts = Array.from(chart.querySelectorAll('text'));
        const bars = Array.from(chart.querySelectorAll('rect')).map(box)
            .filter(b => b.height > 0);
        const scale = box(chart).width / chart.viewBox.baseVal.width;
        texts.forEach((text, i) => {
            const size = scale * parseFloat(getComputedStyle(text).fontSize);
            smallest = Math.min(smallest, size);
            const others = texts.slice(i + 1).map(box).concat(bars);
            collisions += others.filter(other => meet(box(text), other)).length;
        });
    }
    const cells = Array.from(document.querySelectorAll('.wide td, .wide th'));
    const cut = Array.from(document.querySelectorAll('.wide')).filter(
        e => e.scrollWidth > e.clientWidth && !e.querySelector('.matrix'));
    return {
        wide: document.documentElement.scrollWidth,
        share: Math.min(1, ...Array.from(rows.values(), w => w / content)),
        smallest, collisions,
        cell: Math.min(...cells.map(e => parseFloat(getComputedStyle(e).fontSize))),
        row: Math.min(...cells.map(e => box(e).height)),
        cut: cut.length,
    };
}

// What any page owes its reader at this width.
function check_measures(how, width, m) {
    check(`${how}: nothing sticks out, found ${m.wide}`, m.wide <= width);
    check(`${how}: no text of a chart meets a bar or a text, found ${m.collisions}`,
          m.collisions === 0);
    check(`${how}: text of charts is legible, found ${m.smallest}`, m.smallest >= 9);
    check(`${how}: text of tables is legible, found ${m.cell}`, m.cell >= 11);
    check(`${how}: rows of tables are high enough, found ${m.row}`, m.row >= 16);
    if (width < 1200)
        return;
    check(`${how}: charts use the width, found ${m.share}`, m.share >= 0.8);
    check(`${how}: tables fit, found ${m.cut} that scroll`, m.cut === 0);
}

// `shots`, if any, is where images of the page are kept. The page is open when it returns.
async function look(browser, file, { width, script, shots }) {
    const how = `${width}${script ? '' : ', without script'}`;
    const context = await browser.newContext(
        { viewport: { width, height: 800 }, javaScriptEnabled: script });
    const page = await context.newPage();
    const requests = [], errors = [];
    page.on('request', r => requests.push(r.url()));
    page.on('pageerror', e => errors.push(e.message));
    page.on('console', m => m.type() === 'error' && errors.push(m.text()));
    await page.goto('file://' + path.resolve(file));
    if (shots)
        await page.screenshot(
            { path: `${shots}/${width}${script ? '' : '-plain'}.png`, fullPage: true });
    check(`${how}: only the file itself is asked for`,
          requests.every(u => u.startsWith('file:') || u.startsWith('data:')));
    check(`${how}: no error, found ${errors}`, errors.length === 0);
    // Only a script inside the page could tell how it is laid out.
    if (script)
        check_measures(how, width, await page.evaluate(measure));
    return { page, how };
}

async function run(body) {
    const executable = execSync('command -v chromium').toString().trim();
    const browser = await chromium.launch(
        { executablePath: executable, args: ['--no-sandbox'] });
    await body(browser);
    await browser.close();
    console.log(`${passed} passed, ${failed} failed`);
    process.exit(failed ? 1 : 0);
}

module.exports = {
    check,
    look,
    run: body => run(body).catch(e => {
        console.log(e.message);
        process.exit(1);
    }),
};
