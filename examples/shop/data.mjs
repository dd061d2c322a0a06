// The shop's database: SQLite in memory, filled by a seeded generator, so that every start has
// the same few thousand rows.

import { DatabaseSync } from "node:sqlite";

const SEED = 20_240_601;
const COUNTS = { categories: 24, products: 1_200, users: 600, orders: 2_500, reviews: 3_000 };

export function openDatabase() {
  const database = new DatabaseSync(":memory:");
  database.exec(`
    CREATE TABLE categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE products (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL NOT NULL, stock INTEGER NOT NULL,
      category_id INTEGER REFERENCES categories (id));
    CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL);
    CREATE TABLE orders (
      id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id),
      product_id INTEGER NOT NULL, quantity INTEGER NOT NULL, placed_on TEXT NOT NULL);
    CREATE TABLE reviews (
      id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL, user_id INTEGER NOT NULL,
      stars INTEGER NOT NULL, text TEXT NOT NULL);
    CREATE INDEX products_by_category ON products (category_id);
    CREATE INDEX orders_by_user ON orders (user_id);
    CREATE INDEX reviews_by_product ON reviews (product_id);
  `);
  fill(database, generator(SEED));
  return database;
}

function fill(database, random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const below = (limit) => Math.floor(random() * limit);
  const kinds = ["Lamp", "Chair", "Kettle", "Desk", "Shelf", "Clock", "Rug", "Mug", "Vase", "Sofa"];
  const looks = ["Oak", "Linen", "Copper", "Glass", "Slate", "Ash", "Brass", "Cork", "Wool", "Clay"];
  const names = ["Ada", "Ben", "Chloe", "Dan", "Emi", "Finn", "Gia", "Hugo", "Ines", "Jon"];
  const words = ["good", "sturdy", "lovely", "late", "fine", "heavy", "bright", "quiet"];

  database.exec("BEGIN");
  insert(database, "categories", COUNTS.categories, (id) => ({ id, name: `${pick(looks)} ${pick(kinds)}s` }));
  insert(database, "products", COUNTS.products, (id) => ({
    id,
    name: `${pick(looks)} ${pick(kinds)} ${id}`,
    price: (500 + below(50_000)) / 100,
    stock: below(200),
    category_id: 1 + below(COUNTS.categories),
  }));
  insert(database, "users", COUNTS.users, (id) => {
    const name = `${pick(names)} ${String.fromCharCode(65 + below(26))}.`;
    return { id, name, email: `user${id}@shop.example` };
  });
  insert(database, "orders", COUNTS.orders, (id) => ({
    id,
    user_id: 1 + below(COUNTS.users),
    product_id: 1 + below(COUNTS.products),
    quantity: 1 + below(5),
    placed_on: new Date(Date.UTC(2024, 0, 1 + below(365))).toISOString().slice(0, 10),
  }));
  insert(database, "reviews", COUNTS.reviews, (id) => ({
    id,
    product_id: 1 + below(COUNTS.products),
    user_id: 1 + below(COUNTS.users),
    stars: 1 + below(5),
    text: `${pick(words)} and ${pick(words)}`,
  }));
  database.exec("COMMIT");
}

function insert(database, table, count, row) {
  const columns = Object.keys(row(1));
  const places = columns.map((name) => `:${name}`).join(", ");
  const statement = database.prepare(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${places})`);
  for (let id = 1; id <= count; id += 1) statement.run(row(id));
}

/** Numbers from 0 to 1 by a linear congruential generator: the same ones for the same seed. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
