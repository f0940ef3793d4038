// Checks the demo's page: all parts are there, with and without script, on a phone too.
// node check-demo.js PAGE [SHOTS]
const { check, look, run } = require('./page-checks.js');

const [, , file, shots] = process.argv;

async function check_content(page, how) {
    const text = await page.locator('body').innerText();
    for (const part of ['box AP', 'mask AP', 'mIoU', 'Images', 'Objects', 'Classes of pixels',
                        'Precision over recall', 'flower', 'water'])
        check(`${how}: "${part}" can be read`, text.includes(part));
    check(`${how}: no figure is missing`, !/\bnan\b/.test(text));
    check(`${how}: images are shown`, await page.locator('figure img').count() === 24);
    const box = await page.locator('figure img').first().boundingBox();
    check(`${how}: an image is decoded and large enough`, box.height > 100);
    check(`${how}: there are two charts`, await page.locator('svg.chart').count() === 2);
    check(`${how}: curves are drawn`,
          await page.locator('figure svg path[fill=none]').count() === 20);
}

run(async browser => {
    for (const width of [320, 390, 1280]) {
        const { page, how } = await look(browser, file, { width, script: true, shots });
        await check_content(page, how);
    }
    const plain = await look(browser, file, { width: 390, script: false, shots });
    await check_content(plain.page, plain.how);
});
