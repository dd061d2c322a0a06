//! `evergraph completions` and `evergraph man`

use super::man_sections::man_sections;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use clap::Command;
use clap_complete::Shell;

pub fn completions(
    shell: Shell,
    command: &mut Command,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, command, "evergraph", &mut script);
    print(&script, output)
}

/// The man page of the program, followed by those of its commands.
pub fn man_page(mut command: Command, output: &Output) -> Result<ExitStatus, Failure> {
    command.build();
    let mut page = Vec::new();
    render(&command, &mut page)?;
    page.extend_from_slice(man_sections().as_bytes());
    render_below(&command, &mut page)?;
    print(&page, output)
}

fn render_below(command: &Command, page: &mut Vec<u8>) -> Result<(), Failure> {
    for one in command.get_subcommands().filter(|one| one.get_name() != "help") {
        render(one, page)?;
        render_below(one, page)?;
    }
    Ok(())
}

fn render(command: &Command, page: &mut Vec<u8>) -> Result<(), Failure> {
    let rendered = clap_mangen::Man::new(command.clone()).render(page);
    rendered.map_err(|error| Failure::input(error.to_string()))
}

fn print(bytes: &[u8], output: &Output) -> Result<ExitStatus, Failure> {
    output.raw(&String::from_utf8_lossy(bytes));
    Ok(ExitStatus::Success)
}
