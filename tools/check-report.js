// The checks of check-report.sh: node check-report.js PAGE [SHOTS]
const { check, look, run } = require('./page-checks.js');

const [, , file, shots] = process.argv;

async function check_content(page, how) {
    const text = await page.locator('body').innerText();
    for (const part of ['Boxes (bbox)', 'Precision over recall', 'Causes of errors', 'Scores',
                        'Classes', 'Confusion matrix', 'Images with the most errors',
                        'dog <&>', 'n/a (no ground truth)', 'could not be shown'])
        check(`${how}: "${part}" can be read`, text.includes(part));
    check(`${how}: there are two charts`, await page.locator('svg.chart').count() === 2);
    check(`${how}: the matrix has counts`,
          (await page.locator('.matrix td[title^="cat as cat"]').innerText()) === '1');
    check(`${how}: one image is shown`, await page.locator('img').count() === 1);
    check(`${how}: the image is decoded`,
          await page.locator('img').first().boundingBox().then(b => b.height > 50));
    check(`${how}: boxes are drawn`, await page.locator('.shot svg rect').count() === 5);
}

run(async browser => {
    for (const width of [320, 390, 1280]) {
        const { page, how } = await look(browser, file, { width, script: true, shots });
        await check_content(page, how);
    }
    const plain = await look(browser, file, { width: 390, script: false, shots });
    await check_content(plain.page, plain.how);

    const { page } = await look(browser, file, { width: 1280, script: true });
    const first = () => page.locator('table.sorts tbody tr td:first-child').first().innerText();
    check('unsorted, cat comes first', (await first()).startsWith('cat'));
    await page.locator('table.sorts th button').first().click();
    check('sorted by name, descending, dog comes first', (await first()).startsWith('dog'));
    await page.locator('table.sorts th button').first().click();
    check('ascending, bird comes first', (await first()).startsWith('bird'));
});
