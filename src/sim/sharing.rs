//! Whether an answer reaches only those who share it: clients that send all kinds of signals, an
//! origin that echoes them, and a configuration that declares some of them for some parts.
//!
//! The faults are those of any run. What may be shared is computed here from the configuration in
//! the plainest way; an answer that shows another client's signal is a leak unless every scope of
//! its part sets that signal aside.

use super::fleet::Fleet;
use super::origin::{COOKIES, HEADERS, PARTS, told};
use super::plan::Plan;
use super::random::Random;
use super::requests::{graphql, request};
use super::universe::Universe;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::rc::Rc;

/// For how many simulated milliseconds clients ask.
const MILLIS: u64 = 60_000;
const CLIENTS: usize = 6;

/// What came of a run.
#[derive(Debug, Default)]
pub struct Sharing {
    /// Answers that were looked at.
    pub reads: u64,
    /// Those that came from the cache.
    pub hits: u64,
    /// Hits that show another client's signal, as declared.
    pub shared: u64,
    /// Leaks. Empty is good.
    pub broken: Vec<String>,
}

/// Runs a seed.
pub fn share(seed: u64) -> Sharing {
    let mut plan = Plan::of_seed(seed);
    let random = Random::new(seed ^ 0x5163_6e61_6c73);
    (plan.services, plan.clients) = (1, 0);
    plan.configs = vec![config(&random)];
    let universe = Universe::new(&plan);
    let fleet = Fleet::new(universe.clone(), &plan);
    let sharing = Rc::new(RefCell::new(Sharing::default()));
    for _ in 0..CLIENTS {
        let (universe, fleet, sharing) = (universe.clone(), fleet.clone(), sharing.clone());
        universe.clone().executor.spawn(0, async move {
            while universe.now() < MILLIS {
                universe.takes(10, 400).await;
                ask(&fleet, &sharing).await;
            }
        });
    }
    universe.executor.run_until(2 * MILLIS);
    sharing.take()
}

fn config(random: &Random) -> Value {
    let mut config = json!({
        "service": "service0",
        "origin": "http://origin0",
        "types": {
            "open": {
                "match": ["graphql:Query.openSignals", "rest:/signals/open/**"], "ttl": 600,
                "scope": random.of(&["everyone", "everyone", "region"]),
                "override": random.happens(500),
            },
            "mine": {
                "match": ["graphql:Query.mineSignals", "rest:/signals/mine/**"], "ttl": 60,
                "scope": "user",
            },
            "named": {
                "match": ["operation:Catalog*"], "ttl": 600, "scope": "everyone", "override": true,
            },
        },
        "scopes": {
            "everyone": { "by": [] },
            "region": { "by": ["header:x-region"] },
            "user": { "by": ["header:authorization", "cookie:sid"], "ignore": ["cookie:theme"] },
        },
        "ignore_cookies": random.of(&[vec!["_ga*"], vec!["*"]]),
    });
    if random.happens(500) {
        let all = json!({ "match": ["rest:/signals/**"], "ttl": 600, "scope": "everyone" });
        config["types"]["all"] = all;
    }
    if random.happens(300) {
        config["default"] = json!({ "scope": random.of(&["everyone", "region"]) });
    }
    config
}

/// One request by somebody, and a look at what the answer shows.
async fn ask(fleet: &Rc<Fleet>, sharing: &RefCell<Sharing>) {
    let random = &fleet.universe.random;
    let which = random.below(fleet.isolates() as u64) as usize;
    let parts: Vec<&str> = PARTS.into_iter().filter(|_| random.happens(500)).collect();
    let Some(first) = parts.first() else { return };
    let by_graphql = random.happens(600);
    let (mut asked, body) = match by_graphql {
        true => {
            let operation = random.of(&["", "query CatalogAll ", "query Mine "]);
            let fields = parts.iter().map(|part| format!(" {part}Signals {{ __typename told }}"));
            let query = format!("{operation}{{{} }}", fields.collect::<String>());
            (graphql(None), json!({ "query": query }).to_string())
        }
        false => (request("GET", &format!("/signals/{first}/1")), String::new()),
    };
    for (name, values) in HEADERS.into_iter().zip([["a", "b"], ["1", "2"], ["eu", "us"]]) {
        if random.happens(250) {
            asked.headers.set(name, *random.of(&values));
        }
    }
    let cookies = ["", "", "sid=a", "sid=b", "theme=x", "sid=a; theme=x", "_ga=1, sid=a", "_ga=1"];
    let cookies = *random.of(&cookies);
    if !cookies.is_empty() {
        asked.headers.set("cookie", cookies);
    }
    let own = told(&asked.headers);
    let config = fleet.configs[0].clone();
    let Some(got) = fleet.ask(which, asked, body.into_bytes()).await else { return };
    let how = got.headers.get("cache-status").unwrap_or_default();
    let Ok(answer) = serde_json::from_slice::<Value>(&got.body) else { return };
    let shown = if by_graphql { parts.as_slice() } else { &parts[..1] };
    for part in shown {
        let object = match by_graphql {
            true => &answer["data"][format!("{part}Signals")],
            false => &answer,
        };
        let Some(shown) = object["told"].as_object() else { continue };
        let mut sharing = sharing.borrow_mut();
        sharing.reads += 1;
        sharing.hits += u64::from(how.contains("; hit"));
        for name in HEADERS.iter().chain(&COOKIES).filter(|name| {
            shown.get(**name).and_then(Value::as_str) != own.get(**name).map(String::as_str)
        }) {
            if is_set_aside(&config, part, by_graphql, name) {
                sharing.shared += 1;
            } else {
                let what = format!("{part}: {name} of {object} for {} ({how})", json!(own));
                sharing.broken.push(what);
            }
        }
    }
}

/// Whether the configuration says that a signal does not change a part.
fn is_set_aside(config: &Value, part: &str, by_graphql: bool, name: &str) -> bool {
    let has = |list: &Value, text: &str| list.as_array().is_some_and(|l| l.contains(&json!(text)));
    let pattern = match by_graphql {
        true => format!("graphql:Query.{part}Signals"),
        false => format!("rest:/signals/{part}/**"),
    };
    let types = config["types"].as_object().unwrap().values();
    let matching = types.filter(|one| {
        has(&one["match"], &pattern) || (!by_graphql && has(&one["match"], "rest:/signals/**"))
    });
    let mut scopes: Vec<&Value> = matching.map(|one| &one["scope"]).collect();
    if scopes.is_empty() && by_graphql {
        scopes.push(&config["default"]["scope"]);
    }
    let is_cookie = COOKIES.contains(&name);
    // Where the origin's own headers decide, it would have to say so in `Vary`.
    if scopes.is_empty() {
        return (is_cookie && name != "sid" && has(&config["ignore_cookies"], "*"))
            || name.starts_with("x-");
    }
    let identity = format!("{}:{name}", if is_cookie { "cookie" } else { "header" });
    let ignored = is_cookie && name != "sid" && has(&config["ignore_cookies"], "*");
    let sets_aside = |scope: &&Value| {
        let scope = scope.as_str().map(|name| &config["scopes"][name]);
        scope.is_some_and(|one| one["by"] == json!([]) || has(&one["ignore"], &identity))
    };
    ignored || scopes.iter().all(sets_aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_seed_leaks() {
        let (mut hits, mut shared) = (0, 0);
        for plan in Plan::short().take(12) {
            let seed = plan.seed;
            let sharing = share(seed);
            let again = format!("npm run sim -- --signals --seeds 1 --first {seed}");
            assert_eq!(sharing.broken, Vec::<String>::new(), "{again}");
            assert!(sharing.reads > 100);
            (hits, shared) = (hits + sharing.hits, shared + sharing.shared);
        }
        assert!(hits > 400 && shared > 100, "{hits} hits, {shared} of them shared");
    }
}
