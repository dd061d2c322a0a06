//! Compares the cache, when nothing goes wrong, with a model that knows only keys, times and purges.
//! A cache that purges too much breaks no law, but it differs from the model.
//!
//! One request at a time, and so far apart that every replica catches up before each. Times are
//! multiples of a step that no lifetime is a multiple of, so that latencies do not count.

use super::client::Client;
use super::executor::Group;
use super::faults::Faults;
use super::fleet::Fleet;
use super::plan::{Plan, Validators};
use super::universe::Universe;
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Between two requests, at least; longer than `max_lag`.
const STEP_MILLIS: u64 = 7_000;
/// Requests in a run.
const STEPS: u64 = 400;
/// Clients, who are told apart.
const CLIENTS: usize = 3;

/// What a run and the model had in common.
#[derive(Debug, Default)]
pub struct Compared {
    /// Reads.
    pub reads: u64,
    /// Those that were answered from the cache.
    pub hits: u64,
    /// Those that the model answers from the cache.
    pub expected: u64,
    /// Each read that the two answered otherwise.
    pub differing: Vec<String>,
}

/// Runs a seed without faults, and the model with it.
pub fn compare(seed: u64) -> Compared {
    let plan = calm(seed);
    let model = Model::of(&plan);
    play(&plan, model)
}

/// The run of a seed, without faults and with what the model knows.
fn calm(seed: u64) -> Plan {
    let mut plan = Plan::of_seed(seed);
    (plan.faults, plan.settle) = (Faults::default(), 0);
    plan.validators = Validators::None;
    for config in &mut plan.configs {
        for name in ["product", "user"] {
            config["types"][name]["swr"] = json!(0);
            config["types"][name]["sie"] = json!(0);
        }
        config["kv"]["timeout_ms"] = json!(200);
        config["kv"]["writes_per_day"] = json!(0);
        config["origin_timeout"] = json!({});
        config["purge"]["max_lag"] = json!(5);
    }
    plan
}

fn play(plan: &Plan, model: Model) -> Compared {
    let universe = Universe::new(plan);
    let fleet = Fleet::new(universe.clone(), plan);
    let compared = Rc::new(RefCell::new(Compared::default()));
    let (playing, sum) = (universe.clone(), compared.clone());
    universe.executor.spawn(0, async move {
        let clients: Vec<_> = (0..CLIENTS).map(|n| Client::new(fleet.clone(), n)).collect();
        let mut model = model;
        for _ in 0..STEPS {
            let next = playing.now() / STEP_MILLIS + playing.random.between(1, 3);
            playing.executor.sleep(next * STEP_MILLIS - playing.now()).await;
            step(&fleet, &clients, &mut model, &sum).await;
        }
    });
    universe.executor.run_until((STEPS + 1) * 3 * STEP_MILLIS);
    for what in universe.laws.violations() {
        compared.borrow_mut().differing.push(what);
    }
    compared.take()
}

/// One request, to the fleet and to the model.
async fn step(fleet: &Fleet, clients: &[Client], model: &mut Model, sum: &RefCell<Compared>) {
    let random = &fleet.universe.random;
    let which = random.below(fleet.isolates() as u64) as usize;
    let who = random.below(CLIENTS as u64) as usize;
    let id = random.below(fleet.products);
    let (client, of_id) = (&clients[who], id.to_string());
    let at = Place::of(fleet, which);
    let [hits, ..] = fleet.counts.get();
    let read = match random.below(100) {
        0..30 => Read::Product(id),
        30..50 => Read::Rest(id),
        50..65 => Read::Products,
        65..80 => Read::Me(who),
        80..85 => {
            client.update_product(which, &of_id).await;
            return model.purge(at.service, Written::Product(id));
        }
        85..90 => {
            client.update_me(which).await;
            return model.purge(at.service, Written::Me(who));
        }
        90..93 => {
            client.put_rest(which, &of_id).await;
            return model.purge(at.service, Written::Resource);
        }
        93..98 => {
            client.change_and_purge(which, &of_id).await;
            return model.purge(at.service, Written::Tag(id));
        }
        _ => return fleet.end_one(),
    };
    let now = fleet.universe.now();
    match read {
        Read::Product(_) => client.read_product(which, &of_id).await,
        Read::Rest(_) => client.read_rest(which, &of_id).await,
        Read::Products => client.read_products(which).await,
        Read::Me(_) => client.read_me(which).await,
    }
    let hit = fleet.counts.get()[0] > hits;
    let expected = model.read(at, read, now);
    let mut sum = sum.borrow_mut();
    sum.reads += 1;
    sum.hits += u64::from(hit);
    sum.expected += u64::from(expected);
    if hit != expected {
        sum.differing.push(format!("{read:?} by {at:?} at {now}: hit {hit}, expected {expected}"));
    }
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Read {
    Product(u64),
    Rest(u64),
    Products,
    Me(usize),
}

/// What is written or purged.
#[derive(Debug, Clone, Copy)]
enum Written {
    /// A product, by a mutation.
    Product(u64),
    /// A user, by a mutation.
    Me(usize),
    /// A product's resource, which stands for all products.
    Resource,
    /// A product, by its tag.
    Tag(u64),
}

/// Where something is read.
#[derive(Debug, Clone, Copy)]
struct Place {
    service: usize,
    place: usize,
    isolate: Group,
}

impl Place {
    fn of(fleet: &Fleet, which: usize) -> Self {
        let (service, place, isolate) = fleet.where_is(which);
        Self { service, place, isolate }
    }
}

/// A copy of an answer.
#[derive(Debug, Clone, Copy)]
struct Copy {
    at: u64,
    in_kv: bool,
}

/// What the configuration of a service comes to.
#[derive(Debug, Clone)]
struct Rules {
    product_millis: u64,
    user_millis: u64,
    by_type: bool,
    kv: String,
}

/// Memory, edge caches and KV. What is purged is gone from all of them at once.
struct Model {
    rules: Vec<Rules>,
    memory: BTreeMap<(Group, Read), Copy>,
    edges: BTreeMap<(usize, usize, Read), Copy>,
    kv: BTreeMap<(usize, Read), Copy>,
    services: BTreeMap<Group, usize>,
}

impl Model {
    fn of(plan: &Plan) -> Self {
        let rules = plan.configs.iter().map(|config| Rules {
            product_millis: config["types"]["product"]["ttl"].as_u64().unwrap() * 1_000,
            user_millis: config["types"]["user"]["ttl"].as_u64().unwrap() * 1_000,
            by_type: config["mutations"]["policy"] == json!("type"),
            kv: config["kv"]["writes"].as_str().unwrap().to_owned(),
        });
        Self {
            rules: rules.collect(),
            memory: BTreeMap::new(),
            edges: BTreeMap::new(),
            kv: BTreeMap::new(),
            services: BTreeMap::new(),
        }
    }

    /// Whether it is answered from the cache.
    fn read(&mut self, at: Place, read: Read, now: u64) -> bool {
        let Place { service, place, isolate } = at;
        let rules = &self.rules[service];
        let millis = match read {
            Read::Me(_) => rules.user_millis,
            _ => rules.product_millis,
        };
        self.services.insert(isolate, service);
        let fresh = |copy: &&Copy| now - copy.at < millis;
        let in_memory = self.memory.get(&(isolate, read)).filter(fresh).copied();
        let at_edge = self.edges.get(&(service, place, read)).filter(fresh).copied();
        let in_kv = self.kv.get(&(service, read)).filter(fresh).copied();
        let found = in_memory.or(at_edge).or(in_kv);
        let mut copy = found.unwrap_or(Copy { at: now, in_kv: false });
        if found.is_none() {
            self.edges.insert((service, place, read), copy);
        }
        let wanted = if found.is_some() { "second-request" } else { "always" };
        if rules.kv == wanted && !copy.in_kv {
            copy.in_kv = true;
            self.kv.insert((service, read), copy);
        }
        self.memory.insert((isolate, read), copy);
        found.is_some()
    }

    fn purge(&mut self, service: usize, written: Written) {
        let by_type = self.rules[service].by_type;
        let stays = |read: &Read| match (written, read) {
            (Written::Me(who), Read::Me(of)) => !by_type && who != *of,
            (Written::Me(_), _) | (_, Read::Me(_)) => true,
            (Written::Resource, _) | (_, Read::Products) => false,
            (Written::Product(_), _) if by_type => false,
            (Written::Product(id) | Written::Tag(id), Read::Product(of) | Read::Rest(of)) => {
                id != *of
            }
        };
        let services = &self.services;
        self.memory.retain(|(isolate, read), _| services[isolate] != service || stays(read));
        self.edges.retain(|(of, _, read), _| *of != service || stays(read));
        self.kv.retain(|(of, read), _| *of != service || stays(read));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calm_run_hits_as_often_as_the_model() {
        let mut hits = 0;
        for plan in Plan::short().take(10) {
            let seed = plan.seed;
            let compared = compare(seed);
            hits += compared.hits;
            assert_eq!(compared.differing, Vec::<String>::new(), "seed {seed}");
            assert_eq!(compared.hits, compared.expected);
            assert!(compared.reads > 200 && compared.hits < compared.reads);
        }
        assert!(hits > 250, "{hits}");
    }

    #[test]
    fn a_model_of_another_cache_differs() {
        let spoilt: [fn(&mut Rules); 3] = [
            |rules| rules.product_millis = 1_000_000,
            |rules| rules.by_type = !rules.by_type,
            |rules| rules.kv = if rules.kv == "always" { "never" } else { "always" }.to_owned(),
        ];
        for spoil in spoilt {
            // Not every run meets the rule that is spoilt.
            let differs = (1..=5).any(|seed| {
                let plan = calm(seed);
                let mut model = Model::of(&plan);
                model.rules.iter_mut().for_each(spoil);
                !play(&plan, model).differing.is_empty()
            });
            assert!(differs);
        }
    }
}
