//! The program, and folders in which it runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// The token with every right.
pub const TOKEN: &str = "s3cret-of-the-tests";

/// How the program ended.
pub struct Ended {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the program without a Worker.
pub fn run(arguments: &[&str]) -> Ended {
    run_at("", arguments)
}

/// Runs the program in the repository's root, with a Worker.
pub fn run_at(url: &str, arguments: &[&str]) -> Ended {
    let environment = [("EVERGRAPH_URL", url), ("EVERGRAPH_TOKEN", TOKEN)];
    run_in(Path::new(env!("CARGO_MANIFEST_DIR")), &environment, arguments)
}

/// The program with arguments, in the repository's root.
pub fn command(url: &str, arguments: &[&str]) -> Command {
    let environment = [("EVERGRAPH_URL", url), ("EVERGRAPH_TOKEN", TOKEN)];
    command_in(Path::new(env!("CARGO_MANIFEST_DIR")), &environment, arguments)
}

fn command_in(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evergraph"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    for name in ["EVERGRAPH_URL", "EVERGRAPH_TOKEN", "NO_COLOR", "COLUMNS"] {
        command.env_remove(name);
    }
    command.envs(environment.iter().filter(|(_, value)| !value.is_empty()).copied());
    command
}

fn run_in(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let output = command_in(folder, environment, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended {
        status: output.status.code().unwrap(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// The path of a file in tests/fixtures.
pub fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A folder that is deleted when it is dropped.
pub struct Folder(PathBuf);

/// A folder with these files.
pub fn in_folder(files: &[(&str, &str)]) -> Folder {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("evergraph-cli-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    Folder(folder)
}

impl Folder {
    pub fn run_at(&self, url: &str, arguments: &[&str]) -> Ended {
        self.run_with(&[("EVERGRAPH_URL", url), ("EVERGRAPH_TOKEN", TOKEN)], arguments)
    }

    pub fn run_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Ended {
        run_in(&self.0, environment, arguments)
    }

    pub fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.join(file)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
