// What the shop can be asked, for its GraphQL and its REST side alike.
//
// Real shops ask a database across a network. SQLite in memory answers in microseconds, so the
// heavy questions wait as long as such a database would take: that wait is the only thing here
// that is not real.

import { setTimeout as wait } from "node:timers/promises";

const HEAVY_QUERY_MILLIS = 85;

export function queries(database) {
  const all = (sql, ...values) => database.prepare(sql).all(...values);
  const one = (sql, ...values) => database.prepare(sql).get(...values) ?? null;
  const run = (sql, ...values) => database.prepare(sql).run(...values);
  const heavy = async (sql, ...values) => {
    await wait(HEAVY_QUERY_MILLIS);
    return all(sql, ...values);
  };

  return {
    product: (id) => one("SELECT * FROM products WHERE id = ?", Number(id)),
    products: ({ first = 20, after = 0, category = null }) =>
      category === null
        ? all("SELECT * FROM products WHERE id > ? ORDER BY id LIMIT ?", after, clamp(first))
        : all(
            "SELECT * FROM products WHERE id > ? AND category_id = ? ORDER BY id LIMIT ?",
            after,
            Number(category),
            clamp(first),
          ),
    category: (id) => one("SELECT * FROM categories WHERE id = ?", Number(id)),
    categories: () => all("SELECT * FROM categories ORDER BY id"),
    user: (id) => one("SELECT * FROM users WHERE id = ?", Number(id)),
    users: ({ first = 20, after = 0 }) =>
      all("SELECT * FROM users WHERE id > ? ORDER BY id LIMIT ?", after, clamp(first)),
    ordersOf: (user) => all("SELECT * FROM orders WHERE user_id = ? ORDER BY id", user),
    reviewsOf: (product) => all("SELECT * FROM reviews WHERE product_id = ? ORDER BY id", product),
    search: async (text) =>
      heavy("SELECT * FROM products WHERE name LIKE ? ORDER BY id LIMIT 20", `%${text}%`),

    createProduct: ({ name, price, stock = 0, category = null }) => {
      const { lastInsertRowid } = run(
        "INSERT INTO products (name, price, stock, category_id) VALUES (?, ?, ?, ?)",
        name,
        price,
        stock,
        category === null ? null : Number(category),
      );
      return one("SELECT * FROM products WHERE id = ?", lastInsertRowid);
    },
    updateProduct: (id, { name, price, stock }) => {
      run(
        "UPDATE products SET name = coalesce(?, name), price = coalesce(?, price), stock = coalesce(?, stock) WHERE id = ?",
        name ?? null,
        price ?? null,
        stock ?? null,
        Number(id),
      );
      return one("SELECT * FROM products WHERE id = ?", Number(id));
    },
    deleteProduct: (id) => Number(run("DELETE FROM products WHERE id = ?", Number(id)).changes),
    createReview: ({ product, user, stars, text }) => {
      const { lastInsertRowid } = run(
        "INSERT INTO reviews (product_id, user_id, stars, text) VALUES (?, ?, ?, ?)",
        Number(product),
        Number(user),
        stars,
        text,
      );
      return one("SELECT * FROM reviews WHERE id = ?", lastInsertRowid);
    },

    /** Seven aggregates, one after the other: about 600 ms. */
    dashboard: async () => {
      const number = async (sql) => (await heavy(sql))[0].value;
      return {
        products: await number("SELECT count(*) AS value FROM products"),
        users: await number("SELECT count(*) AS value FROM users"),
        orders: await number("SELECT count(*) AS value FROM orders"),
        revenue: await number(
          "SELECT round(sum(o.quantity * p.price), 2) AS value FROM orders o JOIN products p ON p.id = o.product_id",
        ),
        stars: await number("SELECT round(avg(stars), 3) AS value FROM reviews"),
        bestsellers: await heavy(
          "SELECT p.id, p.name, sum(o.quantity) AS sold FROM orders o JOIN products p ON p.id = o.product_id GROUP BY p.id ORDER BY sold DESC, p.id LIMIT 10",
        ),
        categories: await heavy(
          "SELECT c.id, c.name, count(p.id) AS products, round(avg(p.price), 2) AS price FROM categories c LEFT JOIN products p ON p.category_id = c.id GROUP BY c.id ORDER BY c.id",
        ),
      };
    },
    analytics: async () => ({
      months: await heavy(
        "SELECT substr(o.placed_on, 1, 7) AS month, count(*) AS orders, round(sum(o.quantity * p.price), 2) AS revenue FROM orders o JOIN products p ON p.id = o.product_id GROUP BY month ORDER BY month",
      ),
      stars: await heavy("SELECT stars, count(*) AS reviews FROM reviews GROUP BY stars ORDER BY stars"),
    }),
  };
}

function clamp(first) {
  return Math.max(1, Math.min(100, first));
}
