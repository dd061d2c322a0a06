//! Request methods (RFC 9110 §9).

/// A request method. Names are case-sensitive (RFC 9110 §9.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// POST
    Post,
    /// Any other.
    Other(String),
}

impl Method {
    /// The method of that name.
    pub fn parse(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The method's name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Other(name) => name,
        }
    }

    /// Whether the method is safe, that is, read-only (RFC 9110 §9.2.1). An unknown method may
    /// write.
    pub fn is_safe(&self) -> bool {
        match self {
            Self::Get | Self::Head => true,
            Self::Post => false,
            Self::Other(name) => matches!(name.as_str(), "OPTIONS" | "TRACE" | "PROPFIND"),
        }
    }
}
