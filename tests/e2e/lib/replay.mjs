// Replays of public bug reports: each is a test that is named by its report, with an origin of its
// own at a path of its own, so that many share one world.

import assert from "node:assert/strict";
import { test } from "node:test";
import { buildSchema, graphql } from "graphql";
import { Paths } from "./wire.mjs";

const JSON_TYPE = { "content-type": "application/json" };

/**
 * Runs a table of replays, one test each.
 *
 * - `report`: where it was reported, as `owner/repository#number`
 * - `wrong`: what went wrong there, in one line
 * - `run`: the replay, with its control
 */
export function replay(replays) {
  for (const { report, wrong, run } of replays) test(`${report}: ${wrong}`, run);
}

/** What the replays of one world share. */
export class Stage extends Paths {
  #graphs = 0;

  /** A GraphQL API at a path of its own, run by graphql-js. */
  graph(sdl, root) {
    this.#graphs += 1;
    return new Graph(this, `/graphql/${this.#graphs}`, sdl, root);
  }

  /** A path whose answers may be stored for ten minutes by their own headers. */
  fresh(answer, headers = {}) {
    return this.add((request, response) => {
      const said = answer(request);
      if (said !== undefined)
        response.writeHead(200, { "cache-control": "max-age=600", ...headers }).end(said);
    });
  }

  /** Asks until the answer is a hit: what a cache that never stores anything would fail. */
  async hit(ask) {
    let answer;
    await this.world.until(async () => {
      answer = await ask();
      return answer.xCache === "HIT";
    }, "a hit");
    return answer;
  }

  /** Waits until what was being stored is stored. */
  settle() {
    return this.world.admin("health");
  }

  /** Each caller asks twice, in turn, and gets what is its own; a caller is the headers it sends. */
  async eachItsOwn(callers, ask) {
    for (let round = 0; round < 2; round += 1) {
      for (const [expected, headers] of callers) {
        assert.equal((await ask(headers)).text, expected, `${JSON.stringify(headers)}, round ${round}`);
        await this.settle();
      }
    }
  }
}

class Graph {
  /** The requests that ran, as their members. */
  ran = [];
  status = 200;
  headers = {};

  /** `root` makes the resolvers of one request, from the request and its members. */
  constructor(stage, path, sdl, root) {
    this.stage = stage;
    this.path = path;
    this.schema = buildSchema(sdl);
    this.root = root;
    stage.at(path, (request, response, body) => this.#answer(request, response, body));
  }

  /** Whether it answers a request with 401. */
  refuses = () => false;
  /** A promise for which the answers wait, once they are made. */
  held;

  async #answer(request, response, body) {
    if (this.refuses(request)) return response.writeHead(401).end();
    const members = request.method === "GET" ? inUrl(request.url) : JSON.parse(body);
    const run = (one) => this.#run(request, one);
    const answer = Array.isArray(members) ? await Promise.all(members.map(run)) : await run(members);
    await this.held;
    response.writeHead(this.status, { ...JSON_TYPE, ...this.headers }).end(JSON.stringify(answer));
  }

  #run(request, members) {
    this.ran.push(members);
    const { query: source, variables: variableValues, operationName } = members;
    return graphql({
      schema: this.schema,
      source,
      rootValue: this.root(request, members),
      variableValues,
      operationName,
    });
  }

  /** Posts an operation. `place` is the data center that gets it. */
  post(query, { headers = {}, place = 0, ...members } = {}) {
    return this.send({ query, ...members }, headers, place);
  }

  /** Posts any JSON. */
  send(json, headers = {}, place = 0) {
    const body = typeof json === "string" ? json : JSON.stringify(json);
    return this.stage.send("POST", this.path, { headers: { ...JSON_TYPE, ...headers }, body, place });
  }

  get(members, headers = {}) {
    const search = new URLSearchParams(
      Object.entries(members).map(([name, value]) => [
        name,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    );
    return this.stage.get(`${this.path}?${search}`, headers);
  }

  /** A query's data, as its client gets it. */
  async data(query, options) {
    return JSON.parse((await this.post(query, options)).text).data;
  }

  /** Reads until it is a hit, and returns the data that is in the entry. */
  async stored(query, options) {
    return JSON.parse((await this.stage.hit(() => this.post(query, options))).text).data;
  }
}

function inUrl(url) {
  const members = Object.fromEntries(new URL(url, "http://origin").searchParams);
  if (members.variables) members.variables = JSON.parse(members.variables);
  return members;
}
