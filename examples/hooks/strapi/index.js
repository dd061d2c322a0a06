// src/index.js of a Strapi 5 project: purges Evergraph when a document changes, in the admin panel too.

const WRITES = ["create", "update", "delete", "publish", "unpublish", "discardDraft"];

module.exports = {
  register({ strapi }) {
    strapi.documents.use(async (context, next) => {
      const result = await next();
      if (WRITES.includes(context.action)) {
        // The change is made, and the editor is not to see an error.
        await purge([typeName(context.uid)]).catch((error) => strapi.log.error(error.message));
      }
      return result;
    });
  },
};

/** `api::blog-post.blog-post` is `BlogPost` in GraphQL. */
function typeName(uid) {
  const name = uid.split(".").pop();
  return name.replace(/(^|-)(\w)/g, (_all, _dash, letter) => letter.toUpperCase());
}

async function purge(tags) {
  const url = process.env.EVERGRAPH_URL.replace(/\/+$/, "");
  const response = await fetch(`${url}/__evergraph/purge`, {
    method: "POST",
    headers: { authorization: `Bearer ${process.env.EVERGRAPH_TOKEN}` },
    body: JSON.stringify({ tags }),
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`Evergraph answered the purge of ${tags} with ${response.status}`);
}
