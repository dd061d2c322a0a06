// Public bug reports of what a cache could not be told: which arguments, headers and tags matter,
// and that what nobody named is not to be cached.

import assert from "node:assert/strict";
import { replay, Stage } from "../lib/replay.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    graphql: { paths: ["/graphql/**"] },
    tag_headers: ["x-graphql-keys"],
    default: { ttl: 0 },
    types: {
      first: { match: ["graphql:Query.first"], ttl: 3600 },
      entries: { match: ["graphql:Query.entries"], ttl: 600 },
      drafts: { match: ["graphql:Query.entries(drafts: true)"], ttl: 0 },
      shelf: { match: ["graphql:Query.shelf"], ttl: 600, vary: ["store", "content-currency"] },
      settings: { match: ["graphql:Query.*Settings"], ttl: 600 },
    },
    purge: { max_lag: 60 },
  },
});
const stage = new Stage(world);

replay([
  {
    report: "graphql-hive/graphql-yoga#3109",
    wrong: "nothing was to be cached but one type, and whatever came with that type was cached too",
    run: async () => {
      const api = stage.graph(
        "type First { id: ID! } type Second { id: ID! } type Query { first: First second: Second }",
        () => ({ first: { id: "1" }, second: { id: "2" } }),
      );
      await stage.hit(() => api.post("{ first { id } }"));
      for (const query of ["{ second { id } }", "{ first { id } second { id } }"])
        for (let n = 0; n < 2; n += 1) assert.notEqual((await api.post(query)).xCache, "HIT", query);
    },
  },
  {
    report: "craftcms/cms#6792",
    wrong: "previews showed the draft of the first request, for drafts could not be kept out",
    run: async () => {
      let version = 0;
      const api = stage.graph(
        "type Entry { id: ID! title: String } type Query { entries(drafts: Boolean): [Entry!]! }",
        () => ({
          entries: () => {
            version += 1;
            return [{ id: "1", title: `${version}` }];
          },
        }),
      );
      const variable = "query ($drafts: Boolean) { entries(drafts: $drafts) { title } }";
      const forms = [
        ["{ entries(drafts: true) { title } }", {}],
        [variable, { variables: { drafts: true } }],
        ["query ($drafts: Boolean = true) { entries(drafts: $drafts) { title } }", {}],
        ["{ live: entries { title } entries(drafts: true) { title } }", {}],
      ];
      for (const [query, options] of forms)
        for (let n = 0; n < 2; n += 1) assert.notEqual((await api.post(query, options)).xCache, "HIT", query);
      await stage.hit(() => api.post("{ entries { title } }"));
      await stage.hit(() => api.post(variable, { variables: { drafts: false } }));
    },
  },
  {
    report: "danslo/magento2-module-automatic-persisted-queries#4",
    wrong: "a header chooses the store, so one address stood for the answers of several stores",
    run: async () => {
      const api = stage.graph("type Shelf { name: String } type Query { shelf: Shelf }", ({ headers }) => ({
        shelf: { name: `${headers.store ?? "default"} in ${headers["content-currency"] ?? "EUR"}` },
      }));
      const callers = [
        [{}, "default in EUR"],
        [{ store: "de" }, "de in EUR"],
        [{ store: "de", "content-currency": "CHF" }, "de in CHF"],
        [{ "content-currency": "CHF" }, "default in CHF"],
      ];
      const ask = (headers) => api.post("{ shelf { name } }", { headers });
      for (const [headers, name] of callers)
        assert.ok((await ask(headers)).text.includes(`"${name}"`), JSON.stringify(headers));
      for (const [headers, name] of callers)
        assert.ok((await stage.hit(() => ask(headers))).text.includes(`"${name}"`));
    },
  },
  {
    report: "wp-graphql/wp-graphql#4095",
    wrong: "answers were tagged with their settings' group, and nothing purged by that tag",
    run: async () => {
      const api = stage.graph(
        `type GeneralSettings { id: ID! title: String } type ReadingSettings { id: ID! title: String }
         type Query { generalSettings: GeneralSettings readingSettings: ReadingSettings }`,
        () => ({ generalSettings: { id: "1", title: "a" }, readingSettings: { id: "2", title: "b" } }),
      );
      const ask = (group) => {
        api.headers = { "x-graphql-keys": `graphql:Query setting_group:${group}` };
        return api.post(`{ ${group}Settings { id title } }`);
      };
      for (const group of ["general", "reading"]) await stage.hit(() => ask(group));
      await world.admin("purge", { body: { tags: ["setting_group:general"] } });
      assert.equal((await ask("reading")).xCache, "HIT");
      assert.notEqual((await ask("general")).xCache, "HIT");
    },
  },
]);
