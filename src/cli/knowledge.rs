//! What a Worker would have been told: a schema and persisted documents, for a world without a Worker.

use super::arguments::KnowledgeArguments;
use super::failure::Failure;
use crate::http::Url;
use crate::offline::World;
use serde_json::Value;
use std::path::Path;
use std::rc::Rc;

/// The uploads, each with its route and the name of its file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Knowledge(Vec<(&'static str, String, Vec<u8>)>);

impl Knowledge {
    /// Reads the files.
    pub fn read(arguments: &KnowledgeArguments) -> Result<Self, Failure> {
        let KnowledgeArguments { schema, documents } = arguments;
        let given = [("schema", schema), ("documents", documents)];
        let given = given.into_iter().filter_map(|(route, file)| Some((route, file.as_deref()?)));
        given.map(|(route, file)| upload(route, file)).collect::<Result<_, _>>().map(Self)
    }

    /// Uploads everything to a world. The error names the file and what is wrong with it.
    pub fn upload(&self, world: &Rc<World>) -> Result<(), String> {
        for (route, file, bytes) in &self.0 {
            let answer = admin_url("https://offline.example", route)
                .and_then(|url| world.post_admin(url, bytes))
                .ok_or_else(|| format!("{file}: no answer"))?;
            if answer.status != 200 {
                let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
                let text = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default();
                return Err(format!("{file}: {}: {}", text("path"), text("error")));
            }
        }
        Ok(())
    }
}

/// The URL of an admin route of a Worker.
pub(crate) fn admin_url(base: &str, route: &str) -> Option<Url> {
    Url::parse(&format!("{}/__evergraph/{route}", base.trim_end_matches('/')))
}

fn upload(route: &'static str, file: &Path) -> Result<(&'static str, String, Vec<u8>), Failure> {
    let name = file.display().to_string();
    match std::fs::read(file) {
        Ok(bytes) => Ok((route, name, bytes)),
        Err(error) => Err(Failure::input(format!("{name}: cannot be read: {error}"))),
    }
}
