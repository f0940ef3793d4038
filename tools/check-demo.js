// Opens the demo's page: no request leaves the file, no error, no sideways scrolling on a
// phone, all parts there without script. node check-demo.js PAGE [SHOTS]
const { chromium } = require('playwright-core');
const { execSync } = require('child_process');
const path = require('path');

const [, , page_path, shots] = process.argv;
let passed = 0, failed = 0;

function check(what, ok) {
    if (ok) passed++;
    else {
        failed++;
        console.log('failed: ' + what);
    }
}

async function look(browser, width, script) {
    const context = await browser.newContext(
        { viewport: { width, height: 800 }, javaScriptEnabled: script });
    const page = await context.newPage();
    const requests = [], errors = [];
    page.on('request', r => requests.push(r.url()));
    page.on('pageerror', e => errors.push(e.message));
    await page.goto('file://' + path.resolve(page_path));
    if (shots)
        await page.screenshot(
            { path: `${shots}/demo-${width}${script ? '' : '-plain'}.png`, fullPage: true });
    const how = `${width}${script ? '' : ', without script'}`;
    check(`${how}: only the file itself is asked for`,
          requests.every(u => u.startsWith('file:') || u.startsWith('data:')));
    check(`${how}: no error, found ${errors}`, errors.length === 0);
    // Only a script inside the page could tell how wide it is.
    if (script) {
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        check(`${how}: nothing sticks out, found ${wide}`, wide <= width);
    }
    const text = await page.locator('body').innerText();
    for (const part of ['box AP', 'mask AP', 'mIoU', 'Pictures', 'Objects', 'Scene',
                        'Precision over recall', 'flower', 'water'])
        check(`${how}: "${part}" can be read`, text.includes(part));
    check(`${how}: no figure is missing`, !text.includes('nan'));
    check(`${how}: pictures are shown`, await page.locator('figure img').count() === 24);
    const box = await page.locator('figure img').first().boundingBox();
    check(`${how}: a picture is decoded and large enough`, box.height > 100);
    check(`${how}: curves are drawn`,
          await page.locator('figure svg path[fill=none]').count() === 20);
    await context.close();
}

async function run() {
    const executable = execSync('command -v chromium').toString().trim();
    const browser = await chromium.launch(
        { executablePath: executable, args: ['--no-sandbox'] });
    for (const width of [320, 390, 1200])
        await look(browser, width, true);
    await look(browser, 390, false);
    await browser.close();
    console.log(`${passed} passed, ${failed} failed`);
    process.exit(failed ? 1 : 0);
}

run().catch(e => {
    console.log(e.message);
    process.exit(1);
});
