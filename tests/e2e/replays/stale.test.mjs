// Public bug reports of answers that were still served after what they show had changed.

import assert from "node:assert/strict";
import { replay, Stage } from "../lib/replay.mjs";
import { held } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  places: 2,
  config: {
    graphql: { paths: ["/graphql/**"] },
    types: {
      content: { match: ["rest:/content/**"], ttl: 600 },
      shelves: { match: ["rest:/shelves/**"], ttl: 600, swr: 600 },
    },
    resources: [
      { path: "/content/articles/:id", tags: ["Article:{id}"] },
      { path: "/admin/articles/actions/:action", tags: ["Article"] },
      { path: "/content/products/:id", tags: ["Product", "Product:{id}"] },
      { path: "/content/users/me", tags: ["User:{$.id}"] },
      { path: "/users/:id", tags: ["User:{id}"] },
      { path: "/permissions/**", tags: ["type:content"] },
    ],
    purge: { max_lag: 2 },
  },
});
const stage = new Stage(world);

const json = (value) => JSON.stringify(value);
const send = (method, path, body = "{}") =>
  stage.send(method, path, { headers: { "content-type": "application/json" }, body });

/** A read whose answer is a version, and the write that makes the next one. */
function versions(path, { headers = { "cache-control": "max-age=600" } } = {}) {
  let version = 1;
  stage.at(path, (_request, response) => response.writeHead(200, headers).end(`v${version}`));
  return {
    path,
    write: () => {
      version += 1;
    },
    get text() {
      return `v${version}`;
    },
    read: (place = 0) => stage.get(path, {}, place),
    stored: (place = 0) => stage.hit(() => stage.get(path, {}, place)),
  };
}

/** After each write the read is fresh, and before it the read was a hit. */
async function freshAfter(read, ...writes) {
  for (const write of writes) {
    await read.stored();
    read.write();
    const answer = await write();
    assert.ok(answer.status < 400, `${answer.status}`);
    assert.equal((await read.read()).text, read.text);
  }
}

replay([
  {
    report: "graphql-hive/envelop#1979",
    wrong: "an empty list has no entity, so nothing purged it when it got its first member",
    run: async () => {
      const todos = [];
      const api = stage.graph(
        "type Todo { id: ID! } type Query { todos: [Todo!]! } type Mutation { createTodo: Todo }",
        () => ({
          todos,
          createTodo: () => todos[todos.push({ id: `${todos.length}` }) - 1],
        }),
      );
      assert.deepEqual(await api.stored("{ todos { id } }"), { todos: [] });
      await api.post("mutation { createTodo { id __typename } }");
      assert.equal((await api.data("{ todos { id } }")).todos.length, 1);
    },
  },
  {
    report: "wp-graphql/wp-graphql-smart-cache#121",
    wrong: "a list of posts was not purged when a post was created",
    run: async () => {
      const nodes = [{ id: "1", title: "first" }];
      const api = stage.graph(
        `type Note { id: ID! title: String } type NoteConnection { nodes: [Note!]! }
         type CreateNotePayload { note: Note }
         type Query { notes: NoteConnection } type Mutation { createNote(title: String): CreateNotePayload }`,
        () => ({
          notes: { nodes },
          createNote: ({ title }) => {
            nodes.push({ id: `${nodes.length + 1}`, title });
            return { note: nodes.at(-1) };
          },
        }),
      );
      const query = "{ notes { nodes { id title } } }";
      assert.equal((await api.stored(query)).notes.nodes.length, 1);
      await api.post('mutation { createNote(title: "x") { note { id __typename } } }');
      assert.equal((await api.data(query)).notes.nodes.length, 2);
    },
  },
  {
    report: "wp-graphql/wp-graphql-smart-cache#134",
    wrong: "queries were tagged by the model's class name and purges by its type, so an updated post stayed",
    run: async () => {
      const id = Buffer.from("Leaf:360").toString("base64");
      const leaf = { __typename: "Leaf", id, databaseId: 360, title: "old" };
      const api = stage.graph(
        `type Leaf { id: ID! databaseId: Int title: String }
         type Query { leaf(id: ID!): Leaf } type Mutation { updateLeaf(id: ID!, title: String): Leaf }`,
        () => ({ leaf: () => leaf, updateLeaf: ({ title }) => Object.assign(leaf, { title }) }),
      );
      const query = `{ leaf(id: "${id}") { id title } }`;
      assert.equal((await api.stored(query)).leaf.title, "old");
      await api.post(`mutation { updateLeaf(id: "${id}", title: "new") { databaseId __typename } }`);
      assert.equal((await api.data(query)).leaf.title, "new");
    },
  },
  {
    report: "wp-graphql/wp-graphql-smart-cache#127",
    wrong: "a list of an interface was tagged by the types that it happened to hold",
    run: async () => {
      const nodes = [{ __typename: "Sheet", id: "1", title: "a sheet" }];
      const api = stage.graph(
        `interface ContentNode { id: ID! title: String }
         type Sheet implements ContentNode { id: ID! title: String }
         type Entry implements ContentNode { id: ID! title: String }
         type ContentNodes { nodes: [ContentNode!]! } type CreateEntryPayload { entry: Entry }
         type Query { contentNodes: ContentNodes entry: Entry }
         type Mutation { createEntry(title: String): CreateEntryPayload }`,
        () => ({
          contentNodes: { nodes },
          entry: { id: "0", title: "known" },
          createEntry: ({ title }) => {
            nodes.push({ __typename: "Entry", id: `${nodes.length + 1}`, title });
            return { entry: nodes.at(-1) };
          },
        }),
      );
      // The type is known from an answer, so the mutation does not purge everything.
      await api.stored("{ entry { id } }");
      const query = "{ contentNodes { nodes { title } } }";
      assert.equal((await api.stored(query)).contentNodes.nodes.length, 1);
      await api.post('mutation { createEntry(title: "x") { entry { id __typename } } }');
      assert.equal((await api.data(query)).contentNodes.nodes.length, 2);
    },
  },
  {
    report: "wp-graphql/wp-graphql-smart-cache#158",
    wrong: "settings are no nodes, so nothing purged them when they changed",
    run: async () => {
      const general = { title: "old" };
      const api = stage.graph(
        `type Settings { id: ID! theme: String } type GeneralSettings { title: String }
         type UpdateSettingsPayload { generalSettings: GeneralSettings }
         type Query { settings: Settings generalSettings: GeneralSettings }
         type Mutation { updateSettings(title: String): UpdateSettingsPayload }`,
        () => ({
          settings: { id: "1", theme: "dark" },
          generalSettings: general,
          updateSettings: ({ title }) => {
            general.title = title;
            return { generalSettings: general };
          },
        }),
      );
      // A type by the mutation's name is known, and it is another one.
      await api.stored("{ settings { id theme } }");
      assert.equal((await api.stored("{ generalSettings { title } }")).generalSettings.title, "old");
      await api.post('mutation { updateSettings(title: "new") { generalSettings { title } } }');
      assert.equal((await api.data("{ generalSettings { title } }")).generalSettings.title, "new");
    },
  },
  {
    report: "twentyhq/twenty#8366",
    wrong: "the total count stayed after a record was deleted",
    run: async () => {
      const companies = [{ id: "1" }, { id: "2" }];
      const api = stage.graph(
        `type Company { id: ID! } type PaginatedCompany { totalCount: Int edges: [Company!]! }
         type Query { companies: PaginatedCompany company: Company } type Mutation { deleteCompany(id: ID!): Company }`,
        () => ({
          company: companies[0],
          companies: { totalCount: companies.length, edges: companies },
          deleteCompany: ({ id }) =>
            companies.splice(
              companies.findIndex((one) => one.id === id),
              1,
            )[0],
        }),
      );
      await api.stored("{ company { id } }");
      const query = "{ companies { totalCount } }";
      assert.equal((await api.stored(query)).companies.totalCount, 2);
      await api.post('mutation { deleteCompany(id: "2") { __typename id } }');
      assert.equal((await api.data(query)).companies.totalCount, 1);
    },
  },
  {
    report: "promptfoo/promptfoo#9348",
    wrong: "counts were cached, and inserts did not clear them",
    run: async () => {
      const results = [{ id: "1" }];
      const api = stage.graph(
        `type Result { id: ID! } type Query { resultCount: Int results: [Result!]! }
         type Mutation { addResult: Result }`,
        () => ({
          results,
          resultCount: results.length,
          addResult: () => results[results.push({ id: `${results.length + 1}` }) - 1],
        }),
      );
      await api.stored("{ results { id } }");
      assert.equal((await api.stored("{ resultCount }")).resultCount, 1);
      await api.post("mutation { addResult { __typename id } }");
      assert.equal((await api.data("{ resultCount }")).resultCount, 2);
    },
  },
  {
    report: "strapi-community/plugin-rest-cache#132",
    wrong: "a slow miss stored what it had read before a write, after the write's purge",
    run: async () => {
      const { promise, release } = held();
      const begun = held();
      let [title, slow] = ["old", true];
      const path = stage.fresh(() => "");
      stage.at(path, async (request, response) => {
        if (request.method === "PUT") {
          title = "new";
          return response.writeHead(200).end();
        }
        const read = title;
        begun.release();
        if (slow) await promise;
        response.writeHead(200, { "cache-control": "max-age=600" }).end(read);
      });
      const first = stage.get(path);
      await begun.promise;
      await send("PUT", path);
      slow = false;
      release();
      assert.equal((await first).text, "old");
      await stage.settle();
      assert.equal((await stage.get(path)).text, "new");
      assert.equal((await stage.hit(() => stage.get(path))).text, "new");
    },
  },
  {
    report: "logto-io/logto#9428",
    wrong: "a read that began before a write brought its old value back after the write's invalidation",
    run: async () => {
      const { promise, release } = held();
      const begun = held();
      let [title, slow] = ["old", false];
      const path = stage.add(async (request, response) => {
        if (request.method === "PUT") {
          title = "new";
          return response.writeHead(200).end();
        }
        const read = title;
        if (slow) {
          begun.release();
          await promise;
        }
        response.writeHead(200, { "cache-control": "max-age=0, stale-while-revalidate=600" }).end(read);
      });
      const stale = async () => {
        await world.until(async () => (await stage.get(path)).xCache === "STALE", "it is served stale");
      };
      await stale();
      slow = true;
      await stage.get(path);
      await begun.promise;
      await send("PUT", path);
      slow = false;
      release();
      await stage.settle();
      for (let n = 0; n < 3; n += 1) assert.equal((await stage.get(path)).text, "new");
      await stale();
    },
  },
  {
    report: "jonbaldie/varnish#59",
    wrong: "POST, PUT, PATCH and DELETE were passed on and left the stored GET (RFC 9111 §4.4)",
    run: async () => {
      const item = versions("/items/1");
      const writes = ["POST", "PUT", "PATCH", "DELETE"].map((method) => () => send(method, item.path));
      await freshAfter(item, ...writes);
    },
  },
  {
    report: "lgriffin/ESI.ts#293",
    wrong: "answers with 201 and 204 returned before the code that invalidates",
    run: async () => {
      let version = 1;
      const path = stage.add((request, response) => {
        if (request.method === "GET")
          return response.writeHead(200, { "cache-control": "max-age=600" }).end(`v${version}`);
        version += 1;
        response.writeHead(request.method === "POST" ? 201 : 204).end();
      });
      for (const method of ["POST", "PUT"]) {
        await stage.hit(() => stage.get(path));
        await send(method, path);
        assert.equal((await stage.get(path)).text, `v${version}`);
      }
    },
  },
  {
    report: "strapi-community/plugin-rest-cache#69",
    wrong: "publishing in bulk did not clear what publishing one by one did",
    run: async () => {
      const action = stage.at("/admin/articles/actions/bulkPublish", 200);
      for (const id of [1, 2])
        await freshAfter(versions(`/content/articles/${id}`), () => send("POST", action));
    },
  },
  {
    report: "strapi-community/plugin-rest-cache#138",
    wrong: "invalidation sat on the routes of REST, so mutations of GraphQL passed it by",
    run: async () => {
      const product = versions("/content/products/7");
      const api = stage.graph(
        "type Product { id: ID! } type Query { a: Int } type Mutation { updateProduct(id: ID!): Product }",
        () => ({ updateProduct: ({ id }) => ({ id }) }),
      );
      const mutate = () => api.post('mutation { updateProduct(id: "7") { __typename id } }');
      await freshAfter(product, mutate, mutate);
    },
  },
  {
    report: "becem-gharbi/nuxt-directus#48",
    wrong: "a change of a user did not show at the address that shows oneself",
    run: async () => {
      const me = versions("/content/users/me");
      let name = "old";
      stage.at("/content/users/me", (_request, response) =>
        response.writeHead(200, { "content-type": "application/json" }).end(json({ id: "7", name })),
      );
      stage.at("/users/7", 200);
      await me.stored();
      name = "new";
      await send("PATCH", "/users/7");
      assert.equal((await me.read()).text, json({ id: "7", name }));
      stage.at("/users/8", 200);
      await me.stored();
      await send("PATCH", "/users/8");
      assert.equal((await me.read()).xCache, "HIT");
    },
  },
  {
    report: "coralproject/talk#4609",
    wrong: "a comment was stored with no replies, and stayed so when somebody replied",
    run: async () => {
      const replies = [];
      const api = stage.graph(
        `type Comment { id: ID! replies: [Comment!] }
         type Query { comment(id: ID!): Comment } type Mutation { createReply(to: ID!): Comment }`,
        () => ({
          comment: ({ id }) => ({ id, replies }),
          createReply: () => replies[replies.push({ id: `r${replies.length}` }) - 1],
        }),
      );
      const query = '{ comment(id: "1") { id replies { id } } }';
      assert.deepEqual((await api.stored(query)).comment.replies, []);
      await api.post('mutation { createReply(to: "1") { __typename id } }');
      assert.equal((await api.data(query)).comment.replies.length, 1);
    },
  },
  {
    report: "wp-graphql/wp-graphql#4298",
    wrong: "a draft was stored as null, and nothing purged the null when it was published",
    run: async () => {
      let published = false;
      const draft = { id: "1", title: "draft" };
      const api = stage.graph(
        `type Draft { id: ID! title: String } type Query { draft(id: ID!): Draft }
         type Mutation { updateDraft(id: ID!): Draft }`,
        () => ({
          draft: published ? draft : null,
          updateDraft: () => {
            published = true;
            return draft;
          },
        }),
      );
      const query = '{ draft(id: "1") { title } }';
      assert.equal((await api.stored(query)).draft, null);
      await api.post('mutation { updateDraft(id: "1") { id __typename } }');
      assert.equal((await api.data(query)).draft.title, "draft");
    },
  },
  {
    report: "apache/apisix#10009",
    wrong: "after an update of a post, lists that show it were still served",
    run: async () => {
      const memos = [
        { id: "1", text: "old" },
        { id: "2", text: "two" },
      ];
      const api = stage.graph(
        `type Memo { id: ID! text: String } type Query { memos: [Memo!]! memo(id: ID!): Memo }
         type Mutation { updateMemo(id: ID!, text: String): Memo }`,
        () => ({
          memos,
          memo: ({ id }) => memos.find((memo) => memo.id === id),
          updateMemo: ({ id, text }) =>
            Object.assign(
              memos.find((memo) => memo.id === id),
              { text },
            ),
        }),
      );
      const lists = ["{ memos { text } }", '{ memo(id: "1") { text } }'];
      for (const query of lists) await api.stored(query);
      await api.post('mutation { updateMemo(id: "1", text: "new") { id __typename } }');
      for (const query of lists) assert.ok(json(await api.data(query)).includes("new"), query);
    },
  },
  {
    report: "graphql-hive/graphql-yoga#3125",
    wrong: "a mutation that answers with a plain value named no entity, so it purged nothing",
    run: async () => {
      const badges = { 3: { id: "3", name: "three" } };
      const api = stage.graph(
        `type Badge { id: ID! name: String } type Query { badge(id: ID!): Badge }
         type Mutation { deleteBadge(id: ID!): Boolean }`,
        () => ({ badge: ({ id }) => badges[id], deleteBadge: ({ id }) => delete badges[id] }),
      );
      const query = '{ badge(id: "3") { name } }';
      assert.equal((await api.stored(query)).badge.name, "three");
      await api.post("mutation ($id: ID!) { deleteBadge(id: $id) }", { variables: { id: "3" } });
      assert.equal((await api.data(query)).badge, null);
    },
  },
  {
    report: "jycouet/firstly#343",
    wrong: "after an insert the pages of the list were still served for their lifetime",
    run: async () => {
      const list = versions("/lists/members");
      const page = { ...list, path: `${list.path}?page=2` };
      const read = () => stage.get(page.path);
      await stage.hit(read);
      list.write();
      await send("POST", list.path);
      assert.equal((await read()).text, "v2");
    },
  },
  {
    report: "directus/directus#18526",
    wrong: "a change of permissions left the items that were stored under the old ones",
    run: async () => {
      stage.at("/permissions/3", 200);
      await freshAfter(versions("/content/items/1"), () => send("PATCH", "/permissions/3"));
    },
  },
  {
    report: "opennextjs/opennextjs-cloudflare#1295",
    wrong: "a data center's own copy was served on after the tag was purged elsewhere",
    run: async () => {
      const releases = versions("/releases", {
        headers: { "cache-control": "max-age=600", "cache-tag": "releases" },
      });
      await releases.stored(1);
      releases.write();
      await world.admin("purge", { body: { tags: ["releases"] } });
      await world.until(async () => (await releases.read(1)).text === releases.text, "it is fresh there");
      await releases.stored(1);
    },
  },
  {
    report: "darkweak/souin#456",
    wrong: "a purge by surrogate key took the fresh copy, and the stale copy was served",
    run: async () => {
      const shelf = versions("/shelves/1", { headers: { "surrogate-key": "shelf-1" } });
      await freshAfter(shelf, () => world.admin("purge", { body: { tags: ["shelf-1"] } }));
      assert.notEqual((await shelf.read()).xCache, "STALE");
    },
  },
  {
    report: "opennextjs/opennextjs-cloudflare#1185",
    wrong: "a purge that lets stale copies be served had no effect at all",
    run: async () => {
      const shelf = versions("/shelves/2", { headers: { "surrogate-key": "shelf-2" } });
      await shelf.stored();
      shelf.write();
      await world.admin("purge", { body: { tags: ["shelf-2"], soft: true } });
      assert.deepEqual([(await shelf.read()).xCache], ["STALE"]);
      await world.until(async () => (await shelf.read()).text === shelf.text, "it is fetched again");
      assert.equal((await shelf.stored()).text, shelf.text);
    },
  },
]);
