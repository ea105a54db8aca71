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

/// Makes a folder with mode 0700, and those above it where they are missing too. One that is there already is
/// left as it is.
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

/// Takes the rights of group and others away, if that is possible. Nothing fails here: a file of another user,
/// or a disk without permissions, does not stop the promise.
pub fn close_to_others(path: &Path) {
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(path)
        && metadata.permissions().mode() & 0o077 != 0
    {
        let mut permissions = metadata.permissions();
        permissions.set_mode(permissions.mode() & 0o700);
        let _ = fs::set_permissions(path, permissions);
    }
    #[cfg(not(unix))]
    let _ = path;
}
