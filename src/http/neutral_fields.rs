//! Neutral request headers: those that do not identify the client, and those on which a response
//! depends only if its `Vary` says so. docs/signals.md lists them.

use super::fields::UNKEYED;
use crate::order;
use std::sync::LazyLock;

/// Neutral headers of one kind.
struct Group {
    /// Names in lower case.
    names: &'static [&'static str],
    /// Prefixes of further names.
    prefixes: &'static [&'static str],
}

const GROUPS: [Group; 8] = [
    // The request headers of RFC 9110 and RFC 9111 except `Authorization`, `Proxy-Authorization`,
    // `Cookie` and `From`, and those of the specifications they obsolete or that extend them (RFC
    // 7540, 8470, 9218, 9530). A response that depends on one of them says so in `Vary`.
    Group {
        names: &[
            "accept",
            "accept-charset",
            "accept-encoding",
            "accept-language",
            "cache-control",
            "connection",
            "content-digest",
            "content-encoding",
            "content-language",
            "content-length",
            "content-location",
            "content-md5",
            "content-type",
            "date",
            "digest",
            "early-data",
            "expect",
            "host",
            "http2-settings",
            "if-match",
            "if-modified-since",
            "if-none-match",
            "if-range",
            "if-unmodified-since",
            "keep-alive",
            "max-forwards",
            "mime-version",
            "pragma",
            "priority",
            "proxy-connection",
            "range",
            "referer",
            "repr-digest",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "user-agent",
            "via",
            "want-content-digest",
            "want-digest",
            "want-repr-digest",
        ],
        prefixes: &[],
    },
    // What browsers send by themselves: headers of the Fetch standard, client hints, preferences.
    Group {
        names: &[
            "access-control-request-headers",
            "access-control-request-method",
            "access-control-request-private-network",
            "alt-used",
            "available-dictionary",
            "device-memory",
            "dictionary-id",
            "dnt",
            "downlink",
            "dpr",
            "ect",
            "last-event-id",
            "origin",
            "ping-from",
            "ping-to",
            "purpose",
            "rtt",
            "save-data",
            "service-worker",
            "upgrade-insecure-requests",
            "viewport-width",
            "width",
            "x-client-data",
            "x-moz",
            "x-purpose",
        ],
        prefixes: &["sec-"],
    },
    // The name and version of the client program.
    Group {
        names: &["x-graphql-client-name", "x-graphql-client-version"],
        prefixes: &["apollographql-client-", "graphql-client-", "x-apollo-"],
    },
    // Tokens and markers that protect against cross-site request forgery.
    Group {
        names: &[
            "apollo-require-preflight",
            "csrf-token",
            "graphql-preflight",
            "graphql-require-preflight",
            "requestverificationtoken",
            "x-csrf-token",
            "x-csrftoken",
            "x-graphql-yoga-csrf",
            "x-requested-with",
            "x-xsrf-token",
            "xsrf-token",
        ],
        prefixes: &[],
    },
    // Tracing: an ID for each request.
    Group {
        names: &[
            "b3",
            "baggage",
            "correlation-id",
            "elastic-apm-traceparent",
            "grpc-trace-bin",
            "newrelic",
            "request-context",
            "request-id",
            "sentry-trace",
            "traceparent",
            "tracestate",
            "uber-trace-id",
            "x-amzn-trace-id",
            "x-amzn-requestid",
            "x-cloud-trace-context",
            "x-correlation-id",
            "x-dtc",
            "x-dtpc",
            "x-dtreferer",
            "x-dynatrace",
            "x-ms-client-request-id",
            "x-ms-request-id",
            "x-newrelic-id",
            "x-newrelic-transaction",
            "x-ot-span-context",
            "x-request-id",
            "x-request-start",
            "x-span-id",
            "x-trace-id",
        ],
        prefixes: &["ot-tracer-", "uberctx-", "x-b3-", "x-datadog-", "x-dynatrace-", "x-instana-"],
    },
    // What Cloudflare adds about the connection. Headers about a person (`cf-access-*`) or a client
    // certificate (`cf-client-cert-*`, `cf-cert-*`) are not neutral.
    Group {
        names: &[
            "cdn-loop",
            "cf-bot-score",
            "cf-cache-status",
            "cf-connecting-ip",
            "cf-connecting-ipv6",
            "cf-connecting-o2o",
            "cf-ew-via",
            "cf-ipcity",
            "cf-ipcontinent",
            "cf-ipcountry",
            "cf-iplatitude",
            "cf-iplongitude",
            "cf-ja3-hash",
            "cf-ja4",
            "cf-metro-code",
            "cf-placement",
            "cf-postal-code",
            "cf-pseudo-ipv4",
            "cf-ray",
            "cf-region",
            "cf-region-code",
            "cf-request-id",
            "cf-timezone",
            "cf-verified-bot",
            "cf-visitor",
            "cf-warp-tag-id",
            "cf-worker",
            "true-client-ip",
        ],
        prefixes: &[],
    },
    // What other proxies add about the connection. The `x-forwarded-` headers that are missing here
    // may identify a person (`x-forwarded-user`, `x-forwarded-email`, `x-forwarded-access-token`).
    Group {
        names: &[
            "fastly-client-ip",
            "fastly-ff",
            "fly-client-ip",
            "fly-region",
            "fly-request-id",
            "x-amz-cf-id",
            "x-arr-log-id",
            "x-azure-clientip",
            "x-azure-fdid",
            "x-azure-ref",
            "x-azure-requestchain",
            "x-azure-socketip",
            "x-client-ip",
            "x-cluster-client-ip",
            "x-envoy-attempt-count",
            "x-envoy-decorator-operation",
            "x-envoy-expected-rq-timeout-ms",
            "x-envoy-external-address",
            "x-envoy-internal",
            "x-envoy-peer-metadata",
            "x-envoy-peer-metadata-id",
            "x-forwarded-by",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-path",
            "x-forwarded-port",
            "x-forwarded-prefix",
            "x-forwarded-proto",
            "x-forwarded-protocol",
            "x-forwarded-scheme",
            "x-forwarded-server",
            "x-forwarded-ssl",
            "x-forwarded-uri",
            "x-original-forwarded-for",
            "x-real-ip",
            "x-varnish",
            "x-vercel-id",
        ],
        prefixes: &[],
    },
    // Headers that are removed from a request whose response may be stored, and Evergraph's own.
    Group { names: UNKEYED, prefixes: &["evergraph-"] },
];

/// All names, sorted.
static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut names: Vec<_> = GROUPS.iter().flat_map(|group| group.names).copied().collect();
    order::sort(&mut names);
    names
});

/// Whether a request header is neutral. `name` is in lower case.
pub fn is_neutral(name: &str) -> bool {
    let mut prefixes = GROUPS.iter().flat_map(|group| group.prefixes);
    NAMES.binary_search(&name).is_ok() || prefixes.any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn who_is_asking_is_not_neutral() {
        for name in [
            "authorization",
            "proxy-authorization",
            "cookie",
            "from",
            "x-api-key",
            "apikey",
            "x-auth-token",
            "x-access-token",
            "x-hasura-admin-secret",
            "x-hasura-role",
            "x-shopify-storefront-access-token",
            "cf-access-jwt-assertion",
            "cf-access-authenticated-user-email",
            "cf-client-cert-sha256",
            "x-amz-security-token",
            "x-forwarded-user",
            "x-forwarded-email",
            "x-forwarded-access-token",
            "x-user-id",
            "x-tenant-id",
            "store",
            "content-currency",
            "prefer",
            "dpop",
            "signature",
            "x_request_id",
            "accept-languages",
            "",
        ] {
            assert!(!is_neutral(name), "{name}");
        }
        for name in ["accept", "sec-ch-ua", "x-b3-traceid", "evergraph-purge", "cf-ray"] {
            assert!(is_neutral(name), "{name}");
        }
    }

    /// Each line of the list `- ...` under "Neutral headers" names headers in backticks.
    #[test]
    fn the_docs_publish_every_name() {
        let docs = include_str!("../../docs/signals.md");
        let section = docs.split_once("\n## Neutral headers\n").unwrap().1;
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter(|line| line.starts_with("- "));
        let published: Vec<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
        let once: BTreeSet<String> = published.iter().map(|name| (*name).to_owned()).collect();
        let prefixes = GROUPS.iter().flat_map(|group| group.prefixes);
        let table = NAMES.iter().map(|name| (*name).to_owned());
        let table: BTreeSet<String> =
            table.chain(prefixes.map(|prefix| format!("{prefix}*"))).collect();
        assert_eq!(once, table);
        assert_eq!(published.len(), once.len(), "a name is there twice");
        assert_eq!(NAMES.len(), NAMES.iter().collect::<BTreeSet<_>>().len());
    }
}
