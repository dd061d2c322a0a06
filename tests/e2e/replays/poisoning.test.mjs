// Public bug reports of entries that one request had spoiled for others.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { replay, Stage } from "../lib/replay.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    graphql: { paths: ["/graphql/**"] },
    types: { api: { match: ["rest:/api/**"], ttl: 600 } },
    purge: { max_lag: 60 },
  },
});
const stage = new Stage(world);
let paths = 0;
/** A path of a type, which is stored whatever the origin's headers say of lifetimes. */
const typed = (...answer) => {
  paths += 1;
  return stage.at(`/api/${paths}`, ...answer);
};

replay([
  {
    report: "webjsdev/webjs#1097",
    wrong: "the key had no host, and X-Forwarded-Host chose the addresses in the stored page",
    run: async () => {
      const page = ({ headers }) =>
        `${headers["x-forwarded-proto"]}://${headers["x-forwarded-host"]}${headers["x-forwarded-prefix"] ?? ""}/og.png`;
      const path = stage.fresh(page);
      const evil = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "x-forwarded-prefix": "/evil",
        forwarded: "host=evil.example;proto=https",
      };
      const honest = `http://127.0.0.1:${world.ports[0]}/og.png`;
      assert.equal((await stage.get(path, evil)).text, honest);
      assert.equal((await stage.hit(() => stage.get(path))).text, honest);
    },
  },
  {
    report: "aspnet/ResponseCaching#86",
    wrong: "the key had no host and no port, so tenants of one server got each other's answers",
    run: async () => {
      const path = typed((request, response) => response.end(request.headers["x-forwarded-host"]));
      const hosts = ["a.example", "b.example", "a.example:8080", "a.example"];
      for (const host of hosts) {
        assert.equal((await stage.get(path, { host })).text, host);
        await stage.settle();
      }
      await stage.hit(() => stage.get(path, { host: "b.example" }));
    },
  },
  {
    report: "GSA/api.data.gov#397",
    wrong: "Vary: Origin was not looked at, so one site got the permission of another",
    run: async () => {
      const path = typed((request, response) =>
        response
          .writeHead(200, { vary: "Origin", "access-control-allow-origin": request.headers.origin ?? "none" })
          .end("data"),
      );
      for (let round = 0; round < 2; round += 1) {
        for (const origin of ["http://1.example.com", "http://2.example.com"]) {
          const answer = await stage.get(path, { origin });
          assert.equal(answer.headers["access-control-allow-origin"], origin);
          await stage.settle();
        }
      }
      await stage.hit(() => stage.get(path, { origin: "http://1.example.com" }));
    },
  },
  {
    report: "adamchainz/django-cors-headers#63",
    wrong: "the permission of one site was stored, and the answer did not say that it varies by Origin",
    run: async () => {
      const path = typed((request, response) =>
        response
          .writeHead(200, { "access-control-allow-origin": request.headers.origin ?? "http://own.example" })
          .end("data"),
      );
      const permits = async (origin) =>
        (await stage.get(path, { origin })).headers["access-control-allow-origin"];
      for (const origin of ["http://1.example.com", "http://2.example.com", "http://1.example.com"]) {
        assert.equal(await permits(origin), origin);
        await stage.settle();
      }
      await stage.hit(() => stage.get(path, { origin: "http://2.example.com" }));
    },
  },
  {
    report: "expressjs/cors#106",
    wrong: "the answer to a site without permission was stored, and given to sites that have it",
    run: async () => {
      const good = "http://good.example";
      const path = typed((request, response) =>
        response
          .writeHead(
            200,
            request.headers.origin === good ? { vary: "Origin", "access-control-allow-origin": good } : {},
          )
          .end("data"),
      );
      await stage.get(path, { origin: "http://evil.example" });
      await stage.settle();
      for (let n = 0; n < 2; n += 1) {
        const answer = await stage.get(path, { origin: good });
        assert.equal(answer.headers["access-control-allow-origin"], good);
        await stage.settle();
      }
      await stage.hit(() => stage.get(path, { origin: good }));
    },
  },
  {
    report: "darkweak/souin#192",
    wrong: "Vary had no effect: not a header of one's own, and not the asterisk",
    run: async () => {
      const by = (vary) => stage.fresh(({ headers }) => headers.service ?? "none", { vary });
      const [own, any] = [by("Service"), by("*")];
      for (const path of [own, any])
        await stage.eachItsOwn(
          ["a", "b", "c"].map((service) => [service, { service }]),
          (headers) => stage.get(path, headers),
        );
      await stage.hit(() => stage.get(own, { service: "b" }));
      assert.notEqual((await stage.get(any, { service: "b" })).xCache, "HIT");
    },
  },
  {
    report: "femiwiki/femiwiki#461",
    wrong: "the key was the address alone, so the first reader's language was everybody's",
    run: async () => {
      const path = typed((request, response) =>
        response.writeHead(200, { vary: "Accept-Language" }).end(request.headers["accept-language"] ?? "en"),
      );
      const speaks = (language) => stage.get(path, { "accept-language": language });
      for (const language of ["ko", "de", "ko"]) assert.equal((await speaks(language)).text, language);
      await stage.hit(() => speaks("de"));
      assert.equal((await stage.get(path)).text, "en");
    },
  },
  {
    report: "ether/etherpad#4491",
    wrong: "Content-Encoding was stored with the headers, and came with a plain body",
    run: async () => {
      const path = typed((request, response) => {
        const coded = /gzip/.test(request.headers["accept-encoding"] ?? "");
        response
          .writeHead(200, { vary: "Accept-Encoding", ...(coded ? { "content-encoding": "gzip" } : {}) })
          .end(coded ? gzipSync("plain") : "plain");
      });
      for (const accepts of ["gzip", undefined, "identity", "gzip"]) {
        const answer = await stage.get(path, accepts ? { "accept-encoding": accepts } : {});
        assertCoding(answer, accepts === "gzip" && answer.headers["content-encoding"] !== undefined);
        await stage.settle();
      }
      await stage.hit(() => stage.get(path));
    },
  },
  {
    report: "chriguschneider/hass-meteoswiss-radar#137",
    wrong: "a client that refuses gzip by q=0 got it, on hits alone",
    run: async () => {
      const path = typed((_request, response) =>
        response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("plain")),
      );
      const ask = () => stage.get(path, { "accept-encoding": "gzip;q=0, identity" });
      assertCoding(await ask(), false);
      assertCoding(await stage.hit(ask), false);
    },
  },
  {
    report: "jquery/codeorigin.jquery.com#43",
    wrong: "names of content codings were compared with their case, so GZIP was labelled and not meant",
    run: async () => {
      for (const coding of ["gzip", "GZIP", "GZip"]) {
        const path = typed((_request, response) =>
          response.writeHead(200, { "content-encoding": coding }).end(gzipSync("plain")),
        );
        for (const accepts of ["gzip", undefined])
          assertCoding(await stage.get(path, accepts ? { "accept-encoding": accepts } : {}));
        for (const accepts of ["gzip", undefined])
          assertCoding(await stage.hit(() => stage.get(path, accepts ? { "accept-encoding": accepts } : {})));
      }
    },
  },
  {
    report: "flyingsquirrel0419/layercache#44",
    wrong: "whoever made the server fail could store the failure for everybody",
    run: async () => {
      for (const status of [500, 503, 422]) {
        const path = typed((request, response) => {
          const fails = "accept-language" in request.headers;
          response.writeHead(fails ? status : 200).end(fails ? "failed" : "good");
        });
        await stage.get(path, { "accept-language": "%00" });
        await stage.settle();
        assert.equal((await stage.get(path)).status, 200);
        assert.equal((await stage.hit(() => stage.get(path))).text, "good");
      }
    },
  },
  {
    report: "mdn/infra#94",
    wrong: "400 Bad Request was cached, although what was bad is no part of the key",
    run: async () => {
      const path = stage.fresh(() => "good");
      stage.at(path, (request, response) =>
        "accept-language" in request.headers
          ? response.writeHead(400).end("bad")
          : response.writeHead(200, { "cache-control": "max-age=600" }).end("good"),
      );
      assert.equal((await stage.get(path, { "accept-language": "%00" })).status, 400);
      await stage.settle();
      assert.equal((await stage.get(path)).status, 200);
      await stage.hit(() => stage.get(path));
    },
  },
  {
    report: "ChilliCream/graphql-platform#7208",
    wrong: "the answer that a hash is not known was cached, and outlived the moment at which it became known",
    run: async () => {
      const query = "{ outlets }";
      const api = stage.graph("type Query { outlets: Int }", () => ({ outlets: 7 }));
      const sha256Hash = createHash("sha256").update(query).digest("hex");
      const extensions = { persistedQuery: { version: 1, sha256Hash } };
      const byHash = () => api.get({ extensions });
      for (let n = 0; n < 2; n += 1) assert.match((await byHash()).text, /PersistedQueryNotFound/);
      await api.get({ query, extensions });
      assert.equal((await stage.hit(byHash)).text, '{"data":{"outlets":7}}');
    },
  },
  {
    report: "ChilliCream/graphql-platform#3342",
    wrong: "the hash was not that of the text that came with it, so a name could stand for another document",
    run: async () => {
      const sdl = "type Query { good: Int evil: Int }";
      const api = stage.graph(sdl, () => ({ good: 1, evil: 2 }));
      const hash = (text) => createHash("sha256").update(text).digest("hex");
      const extensions = (text) => ({ persistedQuery: { version: 1, sha256Hash: hash(text) } });
      await api.post("{ evil }", { extensions: extensions("{ good }") });
      assert.ok(!(await api.send({ extensions: extensions("{ good }") })).text.includes("evil"));
      await api.post("{ good }", { extensions: extensions("{ good }") });
      const found = await stage.hit(() => api.send({ extensions: extensions("{ good }") }));
      assert.equal(found.text, '{"data":{"good":1}}');
    },
  },
]);

/** The body is what its headers say. */
function assertCoding({ headers, bytes }, coded = headers["content-encoding"] !== undefined) {
  if (coded) {
    assert.equal(headers["content-encoding"].toLowerCase(), "gzip");
    assert.deepEqual(bytes.subarray(0, 2), Buffer.from([0x1f, 0x8b]));
  } else {
    assert.deepEqual([headers["content-encoding"], bytes.toString()], [undefined, "plain"]);
  }
}
