//! The bodies of `documents`.

use serde::Serialize;

/// The documents after an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct DocumentsUploaded {
    /// How many ids of the upload are new or have a new text.
    pub added: usize,
    /// How long all uploaded documents are together.
    pub bytes: usize,
    /// How many documents are uploaded in all.
    pub documents: usize,
}

/// The uploaded documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct DocumentCount {
    /// How long they are together.
    pub bytes: usize,
    /// How many there are.
    pub documents: usize,
}

/// The manifest of Apollo's tools, as the body of an upload.
#[cfg(not(target_arch = "wasm32"))]
#[derive(schemars::JsonSchema)]
#[allow(dead_code, reason = "it describes the body; `graphql::Manifest` reads it")]
pub struct ApolloManifest {
    /// The name of the format.
    #[schemars(extend("const" = "apollo-persisted-query-manifest"))]
    format: String,
    /// Its version.
    #[schemars(extend("const" = 1))]
    version: u64,
    /// The documents.
    operations: Vec<ApolloOperation>,
}

/// A document of Apollo's manifest. Other members are ignored.
#[cfg(not(target_arch = "wasm32"))]
#[derive(schemars::JsonSchema)]
#[allow(dead_code, reason = "it describes the body; `graphql::Manifest` reads it")]
pub struct ApolloOperation {
    /// The id that clients send.
    #[schemars(length(min = 1, max = 256))]
    id: String,
    /// The text of the document.
    body: String,
}

/// The body of an upload: Apollo's manifest, or the documents by id, as Relay's compiler writes them.
#[cfg(not(target_arch = "wasm32"))]
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it describes the body; `graphql::Manifest` reads it")]
pub enum DocumentsBody {
    /// Apollo's.
    Apollo(ApolloManifest),
    /// The documents by id.
    Relay(std::collections::BTreeMap<String, String>),
}
