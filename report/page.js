// A table of the class "sorts" is sorted by the column whose head is pressed, by the data-v
// of its cells.
function sortRows(table, th, column) {
    const down = th.getAttribute('aria-sort') !== 'descending';
    table.querySelectorAll('th').forEach(other => other.removeAttribute('aria-sort'));
    th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    rows.sort((a, b) => {
        const x = a.cells[column].dataset.v, y = b.cells[column].dataset.v;
        const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
        return down ? -order : order;
    });
    rows.forEach(row => body.appendChild(row));
}

document.querySelectorAll('table.sorts').forEach(table => {
    table.querySelectorAll('thead th').forEach((th, column) => {
        const button = document.createElement('button');
        button.textContent = th.textContent;
        th.textContent = '';
        th.appendChild(button);
        button.addEventListener('click', () => sortRows(table, th, column));
    });
});
