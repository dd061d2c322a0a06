// docs/guides/express.md, in front of Express itself.

import { after } from "node:test";
import express from "express";
import { follow } from "../lib/guides.mjs";

const product = { id: "1", name: "Chair" };
let visitors = 0;

const app = express();
app.use(express.json());
// As express-session does by default: a visitor without a session gets one.
app.use((request, response, next) => {
  request.session = /connect\.sid=([^;]*)/.exec(request.headers.cookie ?? "")?.[1];
  if (!request.session) {
    visitors += 1;
    response.setHeader("set-cookie", `connect.sid=s%3Avisitor-${visitors}; Path=/; HttpOnly`);
  }
  next();
});
app.get("/products/:id", (_request, response) => response.json(product));
app.put("/products/:id", (request, response) => response.json(Object.assign(product, request.body)));
app.get("/me", (request, response) =>
  response.json({ name: request.headers.authorization ?? request.session ?? null }),
);

await follow("express.md", {
  async start() {
    const server = await new Promise((resolve, reject) => {
      const listening = app.listen(0, "127.0.0.1", (error) => (error ? reject(error) : resolve(listening)));
    });
    after(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${server.address().port}`;
  },
  read: (send, headers) => send("/products/1", { headers }),
  readMine: (send, headers) => send("/me", { headers }),
  write: (send, name) =>
    send("/products/1", {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name }),
    }),
  change: (name) => Object.assign(product, { name }),
  tags: ["Product"],
  people: [
    // Without a session she is given one each time, and what sets a cookie is not stored.
    { name: "alice", headers: { authorization: "alice" }, reads: "MISS" },
    { name: "bob", headers: { cookie: "connect.sid=s%3Abob" }, reads: "HIT" },
    { name: "carol", headers: { cookie: "connect.sid=s%3Acarol" }, reads: "HIT" },
  ],
});
