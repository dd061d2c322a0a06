//! Runs in which a service is deployed again and again: with other rules for tags, with another
//! lifetime, under another name, and back. While a deployment goes around, isolates of both
//! configurations answer and write. In half of the runs the version of the code changes, too: some
//! isolates, and at times the log, read and send only the messages of the version before.
//!
//! The faults, the clients and the laws are those of any run. Each configuration by itself purges
//! what it must; an entry of one may have tags of which the other's purges name none.

use super::fleet::Fleet;
use super::plan::Plan;
use super::random::Random;
use super::run::{Outcome, run_beside};
use super::universe::Universe;
use crate::purge::Version;
use serde_json::{Value, json};
use std::rc::Rc;

/// For how many milliseconds a deployment stands, at most.
const STANDS_MILLIS: u64 = 25_000;
/// How long it takes from one isolate to the next, at most.
const NEXT_MILLIS: u64 = 3_000;

/// Runs a plan with deployments.
pub fn deploy(mut plan: Plan) -> Outcome {
    plan.configs.truncate(1);
    // The second log is the one that a renamed service must not have.
    plan.services = 2;
    let variants = variants(&plan.configs[0], &Random::new(plan.seed ^ 0xDE91_0115));
    // Each has what the clients of other forms need, as the first one gets it for the run.
    let deployed = |config: &Value| {
        let mut with_forms = plan.clone();
        with_forms.configs = vec![config.clone()];
        with_forms.with_forms().configs.remove(0)
    };
    let (first, variants) = (variants[0].clone(), variants.iter().map(deployed));
    let variants: Vec<Value> = variants.collect();
    plan.configs = vec![first];
    let versions_meet = Random::new(plan.seed ^ 0x00BE_F04E).happens(500);
    run_beside(&plan, |universe, fleet| {
        universe.versions_meet.set(versions_meet);
        let (universe, fleet, until) = (universe.clone(), fleet.clone(), plan.millis);
        universe.executor.clone().spawn(0, async move {
            let mut now = 0;
            while universe.now() < until {
                universe.takes(1_000, STANDS_MILLIS).await;
                let next = universe.random.below(variants.len() as u64) as usize;
                if !goes_around(&universe, &fleet, &variants[now], &variants[next]).await {
                    goes_around(&universe, &fleet, &variants[next], &variants[now]).await;
                } else {
                    now = next;
                }
            }
        });
    })
}

/// A service as it is deployed in turn: the first configuration is the one that it begins with.
fn variants(base: &Value, random: &Random) -> Vec<Value> {
    let mut variants = vec![base.clone(), with_other_tags(base), with_other_ttl(base)];
    if random.happens(700) {
        let renamed = variants.iter().map(renamed).collect::<Vec<_>>();
        variants.extend(renamed);
    }
    let first = random.below(3) as usize;
    variants.swap(0, first);
    variants
}

/// The API with other tags, none of which a write by the base's rules names.
fn with_other_tags(base: &Value) -> Value {
    let mut config = base.clone();
    config["same"] = json!([["Product", "Goods"]]);
    config["resources"] = json!([{ "path": "/api/products/:id", "tags": ["Goods", "Goods:{id}"] }]);
    config
}

fn with_other_ttl(base: &Value) -> Value {
    let mut config = base.clone();
    config["types"]["product"]["ttl"] = json!(120);
    config
}

fn renamed(config: &Value) -> Value {
    let mut renamed = config.clone();
    renamed["service"] = json!("renamed");
    renamed["formerly"] = json!([config["service"]]);
    renamed
}

/// Replaces one configuration by another, isolate by isolate. `false` if it is given up on the way.
async fn goes_around(universe: &Universe, fleet: &Rc<Fleet>, old: &Value, new: &Value) -> bool {
    universe.trace(|| format!("{} is deployed, same {}", new["service"], new["same"]));
    if universe.versions_meet.get() {
        // The log runs the version before until its object moves to the new one, or back.
        let version = *universe.random.of(&[Version::PREVIOUS, Version::CURRENT]);
        universe.logs.iter().for_each(|log| log.version.set(version));
    }
    fleet.deploy(0, vec![old.clone(), new.clone()]);
    let gives_up_at = universe.random.below(2 * fleet.isolates() as u64) as usize;
    for which in 0..fleet.isolates() {
        universe.takes(0, NEXT_MILLIS).await;
        if which == gives_up_at && old != new {
            universe.trace(|| "and given up".to_owned());
            return false;
        }
        fleet.redeploy(which, new);
    }
    fleet.deploy(0, vec![new.clone()]);
    true
}

#[cfg(test)]
mod tests {
    use super::super::client::Client;
    use super::super::faults::Faults;
    use super::*;

    #[test]
    fn no_deployment_breaks_a_law() {
        let mut hits = 0;
        for plan in Plan::short().take(12) {
            let (seed, outcome) = (plan.seed, deploy(plan));
            let again = format!("npm run sim -- --deploys --seeds 1 --first {seed}");
            assert_eq!(outcome.broken, Vec::<String>::new(), "{again}");
            hits += outcome.reads[0];
        }
        assert!(hits > 500, "{hits} hits");
    }

    /// What is stored stays until the first write by other rules, and from then on it is stored by
    /// these.
    #[test]
    fn a_deployment_keeps_the_cache_warm_until_a_write() {
        let mut plan = Plan::of_seed(1);
        (plan.places, plan.isolates, plan.services, plan.products) = (1, 2, 2, 2);
        (plan.faults, plan.settle, plan.max_lag) = (Faults::default(), 0, 1_000);
        let base = json!({
            "service": "service0",
            "origin": "http://origin0",
            "types": { "product": { "match": ["rest:/api/products/**"], "ttl": 600 } },
            "resources": [{ "path": "/api/products/:id", "tags": ["Product", "Product:{id}"] }],
            "mutations": { "policy": "entity" },
            "purge": { "max_lag": 1 },
        });
        let other = with_other_tags(&base);
        plan.configs = vec![base.clone()];
        let universe = Universe::new(&plan);
        let fleet = Fleet::new(universe.clone(), &plan);
        let client = Client::new(fleet.clone(), 0);
        let (of_all, all) = (fleet.clone(), universe.clone());
        universe.executor.spawn(0, async move {
            let hits = || of_all.counts.get()[0];
            let read = async |which, id| {
                let before = hits();
                client.read_rest(which, id).await;
                // What is stored is there in time, and so are purges.
                all.executor.sleep(3_000).await;
                hits() > before
            };
            assert!(!read(0, "0").await && !read(0, "1").await);
            of_all.redeploy(1, &other);
            assert!(read(1, "0").await && read(0, "0").await, "warm by the new rules and the old");
            // A write by the new rules ends what the old ones have tagged, whatever it names.
            client.update_product(1, "0").await;
            all.executor.sleep(3_000).await;
            assert!(!read(1, "0").await && !read(1, "1").await);
            assert!(read(1, "0").await && read(0, "1").await, "and it is stored again");
            // Another by the same rules ends what it names.
            client.update_product(1, "0").await;
            all.executor.sleep(3_000).await;
            assert!(!read(1, "0").await && read(1, "1").await && read(0, "1").await);
            // Back: nothing is written, so everything stays; then one by the old rules.
            of_all.redeploy(1, &base);
            assert!(read(1, "0").await && read(1, "1").await);
            client.update_product(1, "0").await;
            all.executor.sleep(3_000).await;
            assert!(!read(0, "0").await && !read(0, "1").await);
            assert!(read(1, "0").await && read(1, "1").await);
            all.trace(|| "all was asserted".to_owned());
        });
        universe.executor.run_until(600_000);
        assert!(universe.trace_lines().iter().any(|line| line.ends_with("all was asserted")));
        assert_eq!(universe.laws.violations(), Vec::<String>::new());
    }
}
