//! Files with recordings: which format they have, which entries are wanted, and where they are broken.

use super::entry::RawEntry;
use super::har::read_har;
use super::known_bodies::KnownBodies;
use super::ndjson::read_ndjson;
use super::skip::Skip;
use crate::offline::Recorded;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Bytes that are read at once.
const BUFFER: usize = 128 << 10;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The hosts whose requests are wanted.
pub(crate) enum HostFilter {
    /// Those that were named.
    Named(Vec<String>),
    /// That of the first request.
    First(Option<String>),
}

impl HostFilter {
    /// The filter for the hosts that were named; the host of the first request if none was.
    pub fn new(hosts: &[String]) -> Self {
        match hosts {
            [] => Self::First(None),
            named => Self::Named(named.iter().map(|host| host.to_ascii_lowercase()).collect()),
        }
    }

    /// Whether requests to a host are wanted.
    pub fn wants(&mut self, host: &str) -> bool {
        match self {
            // A host without a port stands for all its ports.
            Self::Named(hosts) => hosts.iter().any(|named| {
                let rest = host.strip_prefix(named.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            }),
            Self::First(first) => first.get_or_insert_with(|| host.to_owned()) == host,
        }
    }
}

/// An entry of a recording.
pub(crate) enum Item {
    /// It can be replayed.
    Recorded(Box<Recorded>),
    /// It cannot, for a reason, and its host.
    Skipped(Skip, Option<String>),
}

/// A file that could not be read to its end.
#[derive(Debug)]
pub(crate) struct FileFault {
    /// The file, the place in it, and what is wrong there.
    pub message: String,
}

/// The size of all files together.
pub(crate) fn total_bytes(files: &[impl AsRef<Path>]) -> u64 {
    files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|found| found.len()).sum()
}

/// Calls `each` with every entry of a file, and `progress` with the bytes that were read since the last
/// call.
pub(crate) fn read_file(
    path: &Path,
    hosts: &mut HostFilter,
    progress: &dyn Fn(u64),
    each: &mut dyn FnMut(Item),
) -> Result<(), FileFault> {
    let (file, is_har) = opened(path, progress)?;
    read_recording(&path.display().to_string(), file, is_har, hosts, each)
}

/// A file, and whether it is a HAR file.
pub(super) fn opened<'p>(
    path: &Path,
    progress: &'p dyn Fn(u64),
) -> Result<(impl BufRead + 'p, bool), FileFault> {
    let file = File::open(path).map_err(|error| FileFault {
        message: format!("{}: cannot be read: {error}", path.display()),
    })?;
    let mut file = BufReader::with_capacity(BUFFER, Counted { inner: file, progress });
    let is_har = looks_like_har(&mut file);
    Ok((file, is_har))
}

/// The same for anything that can be read.
pub(super) fn read_recording(
    name: &str,
    file: impl BufRead,
    is_har: bool,
    hosts: &mut HostFilter,
    each: &mut dyn FnMut(Item),
) -> Result<(), FileFault> {
    let mut known = KnownBodies::default();
    let mut count = 0_u64;
    let mut take = |raw: RawEntry| {
        count += 1;
        let host = raw.host();
        each(match judged(raw, hosts, &mut known) {
            Ok(recorded) => Item::Recorded(Box::new(recorded)),
            Err(skip) => Item::Skipped(skip, host),
        });
    };
    let fault = match is_har {
        true => read_har(file, &mut take).err().map(|error| {
            let place = format!("{name}:{}:{}", error.line(), error.column());
            let what = match error.is_eof() {
                true => "the file ends in the middle of a value; it was cut off".to_owned(),
                false => without_place(&error.to_string()),
            };
            (place, what)
        }),
        false => {
            read_ndjson(file, &mut take).err().map(|(line, what)| (format!("{name}:{line}"), what))
        }
    };
    let Some((place, what)) = fault else { return Ok(()) };
    Err(FileFault { message: format!("{place}: {what} ({count} entries before it were read)") })
}

fn judged(
    raw: RawEntry,
    hosts: &mut HostFilter,
    known: &mut KnownBodies,
) -> Result<Recorded, Skip> {
    if let Some(skip) = raw.unsuitable_scheme() {
        return Err(skip);
    }
    let host = raw.host().ok_or(Skip::NoUrl)?;
    if !hosts.wants(&host) {
        return Err(Skip::OtherHost);
    }
    raw.recorded(known)
}

/// A HAR file is an object whose first member is `log`. A line of a log is an object too.
fn looks_like_har(file: &mut impl BufRead) -> bool {
    if file.fill_buf().is_ok_and(|start| start.starts_with(BYTE_ORDER_MARK)) {
        file.consume(BYTE_ORDER_MARK.len());
    }
    let Ok(start) = file.fill_buf() else { return false };
    let start: Vec<u8> =
        start.iter().copied().filter(|b| !b.is_ascii_whitespace()).take(16).collect();
    start.starts_with(b"{\"log\":")
}

fn without_place(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

/// A reader that reports how much was read.
struct Counted<'p, R> {
    inner: R,
    progress: &'p dyn Fn(u64),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        (self.progress)(count as u64);
        Ok(count)
    }
}
