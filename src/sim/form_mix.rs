//! Which clients with requests of other forms a run has, and what the configurations need for them.

use super::random::Random;
use serde_json::{Value, json};

/// The clients of a run, by their kinds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Forms {
    pub purgers: usize,
    pub readers: usize,
    pub callers: usize,
    pub people: usize,
    pub schemas: bool,
    /// Whether an operator pauses the cache now and then.
    pub pauses: bool,
}

impl Forms {
    /// Those of a seed, half of which have none.
    pub fn of_seed(seed: u64) -> Self {
        let random = Random::new(seed ^ 0x0046_6F72_6D73);
        // From a source of its own, so that a seed's other clients are what they were without it.
        let pauses = Random::new(seed ^ 0x5061_7573_6573).happens(120);
        if random.happens(500) {
            return Self { pauses, ..Self::default() };
        }
        let some = |most: u64| random.below(most + 1) as usize;
        Self {
            purgers: some(2),
            readers: some(3),
            callers: some(3),
            people: some(3),
            schemas: random.happens(300),
            pauses,
        }
    }

    fn any(self) -> bool {
        self.purgers + self.readers + self.callers + self.people > 0 || self.schemas
    }

    /// Adds what these clients need to the configurations.
    pub fn extend(self, seed: u64, configs: &mut [Value]) {
        let random = Random::new(seed ^ 0x636F_6E66_6967);
        for config in configs.iter_mut().filter(|_| self.any()) {
            extend(config, &random, self.schemas);
        }
    }
}

fn extend(config: &mut Value, random: &Random, schemas: bool) {
    let seconds = |several: &[u64]| *random.of(several);
    config["types"]["text"] = json!({
        "match": ["rest:/api/texts/**"],
        "ttl": seconds(&[5, 60, 600]),
        "swr": seconds(&[0, 0, 60]),
        "sie": seconds(&[0, 600]),
    });
    config["types"]["account"] = json!({ "match": ["graphql:Query.account"], "ttl": seconds(&[30, 300]), "scope": "person" });
    config["types"]["session"] =
        json!({ "match": ["rest:/api/session"], "ttl": seconds(&[30, 300]), "scope": "session" });
    config["scopes"]["person"] = json!({ "by": ["jwt:sub"] });
    config["scopes"]["session"] = json!({ "by": ["cookie:sid"] });
    config["jwt"] = json!({ "header": "x-token", "algorithms": ["HS256"] });
    let texts = json!({ "path": "/api/texts/:id", "tags": ["Text", "Text:{id}"] });
    if let Some(resources) = config["resources"].as_array_mut() {
        resources.push(texts);
    }
    config["purge"]["wait"] = json!(random.happens(800));
    config["purge"]["unreadable"] = json!(if random.happens(150) { "serve" } else { "miss" });
    if schemas {
        config["graphql"] = json!({ "schema": random.of(&["introspect", "none"]) });
    }
}
