// Tables: sortable, and in a box of their own that scrolls if they are wider than the screen.

import { useState } from "preact/hooks";

/**
 * `columns`: `{key, label, render?, value?, align?, isSortable?}`. `value` gives what is sorted by. The first
 * column names the row. `onSort` is told the key of the column that somebody sorts by.
 */
export function Table({ label, columns, rows, rowKey, initial, onSort, class: extra = "" }) {
  const [order, setOrder] = useState(initial ?? null);
  // A column may be gone that the rows were sorted by.
  const by = columns.find(({ key }) => key === order?.key);
  const sorted = by ? sort(rows, by, order.isUp) : rows;
  const toggle = (column) => {
    setOrder((old) => ({
      key: column.key,
      isUp: old?.key === column.key ? !old.isUp : column.align !== "right",
    }));
    onSort?.(column.key);
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
    <section class={`table ${extra}`} aria-label={`${label}: table`} tabIndex={0}>
      <table>
        <caption class="unseen">{label}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.key}
                scope="col"
                class={column.align}
                aria-sort={order?.key === column.key ? (order.isUp ? "ascending" : "descending") : undefined}
              >
                {column.isSortable ? (
                  <button type="button" onClick={() => toggle(column)}>
                    {column.label}
                  </button>
                ) : (
                  column.label
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row, index) => (
            <tr key={rowKey ? rowKey(row) : index}>
              {columns.map((column, place) => {
                const content = column.render ? column.render(row) : row[column.key];
                return place === 0 ? (
                  <th key={column.key} scope="row" class={column.align}>
                    {content}
                  </th>
                ) : (
                  <td key={column.key} class={column.align}>
                    {content}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function sort(rows, column, isUp) {
  const of = column.value ?? ((row) => row[column.key]);
  const compare = (a, b) => {
    const [left, right] = [of(a), of(b)];
    // What was not measured comes last, in either order.
    if (left === null || left === undefined) return right === null || right === undefined ? 0 : 1;
    if (right === null || right === undefined) return -1;
    const order = typeof left === "string" ? left.localeCompare(right) : left - right;
    return isUp ? order : -order;
  };
  return [...rows].sort(compare);
}
