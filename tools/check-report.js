// The checks of check-report.sh: node check-report.js PAGE [SHOTS]
const { chromium } = require('playwright-core');
const { execSync } = require('child_process');

const [, , page_path, shots] = process.argv;
let passed = 0, failed = 0;

function check(what, ok) {
    if (ok) passed++;
    else {
        failed++;
        console.log('failed: ' + what);
    }
}

async function open(browser, width, script) {
    const context = await browser.newContext(
        { viewport: { width, height: 800 }, javaScriptEnabled: script });
    const page = await context.newPage();
    const seen = { requests: [], errors: [] };
    page.on('request', r => seen.requests.push(r.url()));
    page.on('pageerror', e => seen.errors.push(e.message));
    page.on('console', m => m.type() === 'error' && seen.errors.push(m.text()));
    await page.goto('file://' + page_path);
    if (shots)
        await page.screenshot(
            { path: `${shots}/${width}${script ? '' : '-plain'}.png`, fullPage: true });
    return { page, seen };
}

async function check_content(page, how) {
    const text = await page.locator('body').innerText();
    for (const part of ['Boxes (bbox)', 'Precision over recall', 'Causes of errors', 'Scores',
                        'Classes', 'Confusion matrix', 'Images with the most errors',
                        'dog <&>', 'n/a (no ground truth)', 'could not be shown'])
        check(`${how}: "${part}" can be read`, text.includes(part));
    check(`${how}: one picture is shown`, await page.locator('img').count() === 1);
    check(`${how}: the picture is decoded`,
          await page.locator('img').first().boundingBox().then(b => b.height > 50));
    check(`${how}: boxes are drawn`, await page.locator('.shot svg rect').count() === 5);
}

async function run() {
    const executable = execSync('command -v chromium').toString().trim();
    const browser = await chromium.launch(
        { executablePath: executable, args: ['--no-sandbox'] });
    for (const width of [320, 390, 1200]) {
        const { page, seen } = await open(browser, width, true);
        check(`${width}: only the file itself is asked for`,
              seen.requests.every(u => u.startsWith('file:') || u.startsWith('data:')));
        check(`${width}: no error, found ${seen.errors}`, seen.errors.length === 0);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        check(`${width}: nothing sticks out, found ${wide}`, wide <= width);
        await check_content(page, String(width));
    }
    const plain = await open(browser, 390, false);
    await check_content(plain.page, 'without script');

    const { page } = await open(browser, 1200, true);
    const first = () => page.locator('table.sorts tbody tr td:first-child').first().innerText();
    check('unsorted, cat comes first', (await first()).startsWith('cat'));
    await page.locator('table.sorts th button').first().click();
    check('sorted by name, descending, dog comes first', (await first()).startsWith('dog'));
    await page.locator('table.sorts th button').first().click();
    check('ascending, bird comes first', (await first()).startsWith('bird'));
    await browser.close();
    console.log(`${passed} passed, ${failed} failed`);
    process.exit(failed ? 1 : 0);
}

run().catch(e => {
    console.log(e.message);
    process.exit(1);
});
