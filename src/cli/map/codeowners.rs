//! `deeds map import codeowners`: GitHub's or GitLab's file of code owners as a map, with what it can't say listed line by line.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::context::{Context, read_text};
use crate::cli::output;
use crate::cli::session::{account, user};
use crate::cli::status::Status;
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::domain::map::codeowners::{
    DEFAULT_PREFIX, Dialect, Frame, Imported, MAX_CODEOWNERS_BYTES, import,
};
use crate::domain::path::EntityPath;

/// The workspace of a map that is made where none is named.
const WORKSPACE: &str = "default";

/// What is imported, and what the file does not say.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds map import codeowners .github/CODEOWNERS > team.toml && deeds map check team.toml\n  deeds map import codeowners CODEOWNERS -w northwind --owner dana --out team.toml\n\nThe last line that matches a path says whose it is, as on GitHub and within a section of GitLab: zones with exceptions say the\nsame on the map. Where several sections name owners of a path, the last has it, which is told. @user becomes the\nagent `user`, @org/team `org/team`, an address itself. A line that a map can't say is told on standard error and at the head of\nthe file; what it matches is then nobody's, never another's. Needs no server. Exit status 1 with --strict if there is one."
)]
pub(crate) struct Arguments {
    /// The CODEOWNERS file
    file: PathBuf,
    /// Where the repository's files are on the map
    #[arg(long, value_name = "PATH", default_value = DEFAULT_PREFIX)]
    prefix: EntityPath,
    /// The person accountable for the agents and the map; you if nothing is said
    #[arg(long, value_name = "PERSON")]
    owner: Option<PersonId>,
    /// Whose reading of the file it is; if nothing is said by its folder, `.github` or `.gitlab`, else
    /// GitLab's where the file has sections
    #[arg(long, value_name = "WHOSE")]
    dialect: Option<Dialect>,
    /// A new file for the map, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with status 1 where a line could not be said whole
    #[arg(long)]
    strict: bool,
}

/// Runs it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Status> {
    let shown = arguments.file.display().to_string();
    let text = read_text(&arguments.file, MAX_CODEOWNERS_BYTES as u64 - 1)?;
    let workspace = match &context.config.workspace {
        Some(workspace) => workspace.clone(),
        None => WorkspaceId::new(WORKSPACE)?,
    };
    let owner = match (&arguments.owner, context.existing_dir()) {
        (Some(owner), _) => owner.clone(),
        (None, Ok(dir)) => user(context, &dir)?,
        (None, Err(_)) => context.config.person.clone().unwrap_or_else(account),
    };
    let dialect = arguments.dialect.or_else(|| of_its_folder(&arguments.file));
    let frame = Frame { dialect, workspace, prefix: arguments.prefix.clone(), owner };
    let imported = import(&text, &frame);
    if imported.model.agents.is_empty() {
        output::complain(format!("{shown}: no line names an owner of anything; the map has no agents"));
    }
    tell(&imported);
    if context.out.json {
        output::json(&imported)?;
    } else {
        let name = arguments.file.file_name().map_or(shown, |name| name.to_string_lossy().into_owned());
        put(context, arguments, &imported.to_toml(&name))?;
    }
    let whole = imported.remarks.is_empty() && !imported.model.agents.is_empty();
    Ok(if whole || !arguments.strict { Status::Done } else { Status::No })
}

/// Whose reading it is by the folder that the file lies in.
fn of_its_folder(file: &Path) -> Option<Dialect> {
    let file = std::path::absolute(file).ok()?;
    Dialect::of_folder(file.parent()?.file_name()?.to_str()?)
}

fn tell(imported: &Imported) {
    for remark in &imported.remarks {
        output::complain(format!(
            "line {}: `{}`: {}: {}",
            remark.line,
            remark.text,
            remark.kind.words(),
            remark.reason
        ));
    }
}

fn put(context: &Context, arguments: &Arguments, toml: &str) -> anyhow::Result<()> {
    match &arguments.out {
        Some(file) => super::write_new(file, toml),
        None => output::styled(context.out.exact(toml.trim_end())),
    }
}
