// An origin whose responses a test sets, and which remembers its requests.

import { createServer } from "node:http";

export class Origin {
  requests = [];
  #sockets = new Set();
  /** Answers one request: `(request, response, body) => void`, set by the test. */
  answer = (_request, response) => response.writeHead(404).end();

  async listen() {
    this.server = createServer({ maxHeaderSize: 1 << 16 }, async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      this.requests.push({ method: request.method, url: request.url, headers: request.headers, body });
      await this.answer(request, response, body);
    });
    this.server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  /** Answers every request with this status, these headers and this body. */
  says(status, headers, body) {
    this.answer = (_request, response) => response.writeHead(status, headers).end(body);
  }

  /** Answers GraphQL requests with this JSON, REST ones too. */
  saysJson(value, headers = {}) {
    this.says(200, { "content-type": "application/json", ...headers }, JSON.stringify(value));
  }

  /** Refuses connections from here on. */
  async refuse() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Accepts connections again. */
  async listenAgain() {
    if (!this.server.listening)
      await new Promise((resolve) => this.server.listen(this.port, "127.0.0.1", resolve));
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
  }
}
