//! Why an entry of a recording is not replayed.

use crate::policy::{Reason, reasons};

reasons! {
    /// Why an entry is not replayed.
    pub(crate) enum Skip {
        OtherHost = "other-host",
            "the request went to another host",
            "name the hosts of your API with `--host`";
        OtherScheme = "other-scheme",
            "the URL is neither http nor https: `data:`, `blob:`, a browser's extension",
            "none needed";
        WebSocket = "websocket",
            "a WebSocket. Its messages are not replayed",
            "none needed";
        NoResponse = "no-response",
            "there was no response: the request was blocked, canceled, or failed",
            "none needed";
        BrowserCache = "browser-cache",
            "the browser answered from its own cache, so the request never left it",
            "record with the browser's cache disabled to see these requests";
        NoBody = "no-body",
            "the recording lacks the response's body",
            "export with content: Chromium's network panel does so by default, Firefox up to `devtools.netmonitor.responseBodyLimit`";
        UnknownBody = "unknown-body",
            "a 304, and no earlier response in the recording has the body that it stands for",
            "record with the browser's cache disabled";
        NoTime = "no-time",
            "the entry has no time at which the request was sent, or one that cannot be read",
            "write times as RFC 3339, or as milliseconds since 1970";
        NoUrl = "no-url",
            "the entry has no URL, or one that is not absolute",
            "write absolute URLs";
        AdminRoute = "admin-route",
            "a request to an admin route of Evergraph",
            "none needed";
    }
}

/// Why entries of a recording are not replayed, for docs/replay.md.
pub fn skip_reasons() -> &'static [Reason] {
    Skip::REASONS
}
