//! Files that only their owner can read, because the ledger holds followers' names. Where a system or a disk
//! has no Unix permissions, everything stays as that system makes it.

#[cfg(unix)]
use std::{
    fs,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
};
use std::{
    fs::{DirBuilder, OpenOptions},
    io,
    path::Path,
};

/// Makes a folder with mode 0700, and those above it where they are missing too. An existing folder is not
/// changed.
///
/// # Errors
///
/// Where it cannot be made.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder)
}

/// How to open a file for writing, so that it gets mode 0600 if it is made.
pub fn to_write() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    options.mode(0o600);
    options
}

/// Takes the rights of group and others away. A disk without permissions stays as it is, and so does a path where
/// nothing is.
///
/// # Errors
///
/// Where it belongs to another user and stays open to others.
pub fn close_to_others(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(path)
        && is_open(&metadata)
    {
        let mut permissions = metadata.permissions();
        permissions.set_mode(permissions.mode() & 0o700);
        let closed = fs::set_permissions(path, permissions);
        if closed.is_err() && has_permissions(path) {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!(
                    "{} belongs to another user, who could change it",
                    path.display()
                ),
            ));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Whether others can read or change the file at that path. On a disk without permissions nobody knows, and this is
/// `false`.
pub fn is_open_to_others(path: &Path) -> bool {
    #[cfg(unix)]
    let open = fs::metadata(path).is_ok_and(|it| is_open(&it)) && has_permissions(path);
    #[cfg(not(unix))]
    let open = false;
    open
}

#[cfg(unix)]
fn is_open(metadata: &fs::Metadata) -> bool {
    metadata.permissions().mode() & 0o077 != 0
}

/// Whether the disk of that path keeps permissions: a new file shows it.
#[cfg(unix)]
fn has_permissions(path: &Path) -> bool {
    let folder = if path.is_dir() {
        Some(path)
    } else {
        path.parent()
    };
    let name = format!(".hug-mode-{}", std::process::id());
    let probe = folder.unwrap_or_else(|| Path::new(".")).join(name);
    let made = to_write().create_new(true).open(&probe);
    let closed = made.and_then(|file| Ok(!is_open(&file.metadata()?)));
    let _ = fs::remove_file(&probe);
    // Where no file can be made, nothing says that the disk has none.
    closed.unwrap_or(true)
}
