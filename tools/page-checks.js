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
    // Only a script inside the page could tell how wide it is.
    if (script) {
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        check(`${how}: nothing sticks out, found ${wide}`, wide <= width);
    }
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
