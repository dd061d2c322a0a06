// An origin that speaks GraphQL over HTTP and over WebSocket, in both subprotocols, by the servers that
// are in use; and clients by hand.

import { EventEmitter, on, once } from "node:events";
import { buildSchema, execute, graphql, parse, subscribe, validate } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import legacy from "subscriptions-transport-ws";
import { WebSocket, WebSocketServer } from "ws";

export const NEW = "graphql-transport-ws";
export const OLD = "graphql-ws";

const schema = buildSchema(`
  type Product { id: ID! name: String! }
  type Shelf { id: ID! name: String! }
  type Query { product(id: ID!): Product shelf: Shelf }
  type Mutation { rename(id: ID!, name: String!): Product }
  type Subscription { renamed: Product }
`);

/** The API behind a world's origin. */
export class SocketApi {
  names = new Map();
  renames = new EventEmitter();
  /** Answers the messages of a socket in place of the servers: `(socket, text, isBinary) => void`. */
  byHand = null;
  #servers = [];

  constructor(origin) {
    origin.answer = async (_request, response, body) => {
      const asked = JSON.parse(body);
      const answer = await graphql({
        schema,
        source: asked.query,
        rootValue: this.root,
        variableValues: asked.variables,
      });
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
    };
    const newer = new WebSocketServer({ noServer: true, handleProtocols: () => NEW });
    const options = { schema, execute, subscribe, validate, roots: undefined };
    useServer(
      { ...options, context: () => ({}), onSubscribe: (_context, _id, payload) => this.#arguments(payload) },
      newer,
    );
    const older = new WebSocketServer({ noServer: true, handleProtocols: () => OLD });
    legacy.SubscriptionServer.create({ schema, execute, subscribe, rootValue: this.root }, older);
    const plain = new WebSocketServer({ noServer: true, handleProtocols: ([first]) => first });
    plain.on("connection", (socket, request) => {
      socket.request = request;
      this.opened = socket;
      socket.on("message", (data, isBinary) => this.byHand?.(socket, data.toString(), isBinary, data));
      socket.on("error", () => {});
    });
    this.#servers = [newer, older, plain];
    origin.server.on("upgrade", (request, socket, head) => {
      const protocol = request.headers["sec-websocket-protocol"] ?? "";
      const server = this.byHand !== null ? plain : protocol.includes(NEW) ? newer : older;
      server.handleUpgrade(request, socket, head, (one) => server.emit("connection", one, request));
    });
  }

  get root() {
    return {
      product: ({ id }) => ({ id, name: this.names.get(id) ?? "first" }),
      shelf: () => ({ id: "s", name: this.names.get("s") ?? "first" }),
      rename: ({ id, name }) => {
        this.names.set(id, name);
        this.renames.emit("rename", { id, name });
        return { id, name };
      },
      renamed: () => this.#renamed(),
    };
  }

  #arguments({ query, variables, operationName }) {
    return {
      schema,
      document: parse(query),
      variableValues: variables,
      operationName,
      rootValue: this.root,
      contextValue: {},
    };
  }

  async *#renamed() {
    for await (const [renamed] of on(this.renames, "rename")) yield { renamed };
  }

  close() {
    for (const server of this.#servers) {
      for (const client of server.clients) client.terminate();
      server.close();
    }
  }
}

/** A client by hand: messages in the order in which they come. */
export class Client {
  messages = [];
  closed = null;
  #waiting = new EventEmitter();

  static async open(url, protocols = [NEW], options = {}) {
    const client = new Client();
    client.socket = new WebSocket(url.replace(/^http/, "ws"), protocols, options);
    client.socket.on("message", (data, isBinary) => {
      client.messages.push(isBinary ? data : data.toString());
      client.#waiting.emit("change");
    });
    client.socket.on("close", (code, reason) => {
      client.closed = { code, reason: reason.toString() };
      client.#waiting.emit("change");
    });
    await once(client.socket, "open");
    return client;
  }

  send(message) {
    const isRaw = typeof message === "string" || Buffer.isBuffer(message);
    this.socket.send(isRaw ? message : JSON.stringify(message));
  }

  /** The next message. */
  async next() {
    while (this.messages.length === 0) {
      if (this.closed !== null) throw new Error(`closed with ${this.closed.code}`);
      await once(this.#waiting, "change");
    }
    return this.messages.shift();
  }

  async close(code, reason) {
    this.socket.close(code, reason);
    return this.untilClosed();
  }

  async untilClosed() {
    while (this.closed === null) await once(this.#waiting, "change");
    return this.closed;
  }
}
