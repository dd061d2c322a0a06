// What wrangler.toml may not say.

/** The keys that turn Workers Cache on before the Worker, at the top and in each environment. */
export function workersCacheKeys(wrangler) {
  const environments = Object.entries(wrangler.env ?? {});
  const parts = [["", wrangler], ...environments.map(([name, part]) => [`env.${name}.`, part])];
  return parts.flatMap(([path, part]) => {
    const own = part.exports?.default?.cache?.enabled;
    if (own) return [`${path}exports.default.cache.enabled`];
    return part.cache?.enabled && own !== false ? [`${path}cache.enabled`] : [];
  });
}
