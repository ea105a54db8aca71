//! Which file of a crate uses which, read from the sources.
//!
//! A `use` or a path counts as an arrow from its file to the file that defines the name: a re-export
//! is followed to where it leads, and is not an arrow itself. Neither is `mod x;`. Code that only tests
//! and fuzzing see is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{Attribute, Item, UseTree, Visibility, visit::Visit};

/// A module's path within its crate: `["network", "client"]`; empty for the root.
type ModulePath = Vec<String>;

/// The files of one crate, by their path from its root file's folder, and the arrows between them.
pub(crate) struct Graph {
    /// What the crate is called: the path of its root file.
    pub(crate) name: String,
    /// Every file, with its lines of code: neither blank nor a comment, tests included.
    pub(crate) files: BTreeMap<String, usize>,
    /// Each pair `(from, to)` where `from` uses a name that `to` defines.
    pub(crate) arrows: BTreeSet<(String, String)>,
}

impl Graph {
    /// Reads the crate whose root is that file of the checkout.
    pub(crate) fn read(checkout: &Path, root: &str) -> Self {
        let mut sources = Sources::default();
        let path = checkout.join(root);
        let folder = path.parent().unwrap_or(checkout).to_owned();
        sources.read(&path, &folder, Vec::new());
        let arrows = sources.arrows();
        let relative = |path: &Path| {
            let path = path.strip_prefix(checkout).unwrap_or(path);
            path.display().to_string()
        };
        let code = |path: &PathBuf| (relative(path), lines_of_code(path));
        Self {
            name: root.to_owned(),
            files: sources
                .modules
                .values()
                .map(|module| &module.file)
                .map(code)
                .collect(),
            arrows: arrows
                .iter()
                .map(|(from, to)| (relative(from), relative(to)))
                .collect(),
        }
    }

    /// The groups of two or more files that use each other, directly or through others.
    pub(crate) fn circles(&self) -> Vec<Vec<&str>> {
        let reached: BTreeMap<&str, BTreeSet<&str>> = self
            .files
            .keys()
            .map(|file| (file.as_str(), self.reached_from(file)))
            .collect();
        let mut circles: Vec<Vec<&str>> = Vec::new();
        for (file, ahead) in &reached {
            if circles.iter().any(|circle| circle.contains(file)) {
                continue;
            }
            let both_ways = ahead.iter().filter(|other| reached[**other].contains(file));
            let circle: Vec<&str> = both_ways.copied().collect();
            if circle.len() > 1 {
                circles.push(circle);
            }
        }
        circles
    }

    fn reached_from<'a>(&'a self, file: &'a str) -> BTreeSet<&'a str> {
        let (mut reached, mut ahead) = (BTreeSet::new(), vec![file]);
        while let Some(file) = ahead.pop() {
            let used = self.arrows.iter().filter(|(from, _)| from == file);
            ahead.extend(
                used.map(|(_, to)| to.as_str())
                    .filter(|to| reached.insert(*to)),
            );
        }
        reached
    }
}

fn lines_of_code(file: &Path) -> usize {
    let text = fs::read_to_string(file).unwrap();
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    text.lines().filter(is_code).count()
}

/// The modules of one crate.
#[derive(Default)]
struct Sources {
    modules: BTreeMap<ModulePath, Module>,
}

struct Module {
    file: PathBuf,
    /// Every path that the module names, as absolute as it can be made, with re-exports left out.
    used: Vec<ModulePath>,
    /// `pub use`: what a name leads to.
    exported: BTreeMap<String, ModulePath>,
}

impl Sources {
    fn read(&mut self, file: &Path, folder: &Path, at: ModulePath) {
        let text =
            fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.take(&parsed.items, file, folder, at);
    }

    fn take(&mut self, items: &[Item], file: &Path, folder: &Path, at: ModulePath) {
        let mut names = Names::default();
        for item in items {
            match item {
                Item::Mod(module) if is_for_tests(&module.attrs) => {}
                Item::Mod(module) => {
                    let name = module.ident.to_string();
                    let mut inner = at.clone();
                    inner.push(name.clone());
                    if let Some((_, items)) = &module.content {
                        self.take(items, file, &folder.join(&name), inner);
                        continue;
                    }
                    let beside = folder.join(format!("{name}.rs"));
                    let within = folder.join(&name).join("mod.rs");
                    let path = if beside.exists() { beside } else { within };
                    self.read(&path, &folder.join(&name), inner);
                }
                other => names.visit_item(other),
            }
        }
        let absolute = |path: &ModulePath| absolute(path, &at, self);
        let module = Module {
            file: file.to_owned(),
            used: names.used.iter().filter_map(absolute).collect(),
            exported: names
                .exported
                .iter()
                .filter_map(|(name, path)| Some((name.clone(), absolute(path)?)))
                .collect(),
        };
        self.modules.insert(at, module);
    }

    fn arrows(&self) -> BTreeSet<(PathBuf, PathBuf)> {
        let mut arrows = BTreeSet::new();
        for module in self.modules.values() {
            for path in &module.used {
                let to = self.file_of(path, 0);
                if to != module.file {
                    arrows.insert((module.file.clone(), to));
                }
            }
        }
        arrows
    }

    /// The file that defines the name at the end of an absolute path.
    fn file_of(&self, path: &[String], hops: usize) -> PathBuf {
        let longest = (0..=path.len())
            .rev()
            .find(|length| self.modules.contains_key(&path[..*length]));
        let length = longest.unwrap_or(0);
        let module = &self.modules[&path[..length]];
        let exported = path.get(length).and_then(|name| module.exported.get(name));
        match exported {
            // A chain of re-exports is short; the bound is for one that leads back to itself.
            Some(to) if hops < 8 => self.file_of(to, hops + 1),
            _ => module.file.clone(),
        }
    }
}

/// The path from the crate's root; `None` for one that leads into another crate.
fn absolute(path: &ModulePath, at: &ModulePath, sources: &Sources) -> Option<ModulePath> {
    let (first, rest) = path.split_first()?;
    let mut base = at.clone();
    let mut rest = rest;
    match first.as_str() {
        "crate" => base.clear(),
        "self" => {}
        "super" => {
            base.pop();
            while let Some((again, after)) = rest.split_first().filter(|(next, _)| *next == "super")
            {
                let _ = again;
                base.pop();
                rest = after;
            }
        }
        child => {
            base.push(child.to_owned());
            // Only a module that is declared here; anything else is a local name or another crate.
            if !sources.modules.contains_key(&base) {
                return None;
            }
        }
    }
    base.extend(rest.iter().cloned());
    Some(base)
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .meta
                .require_list()
                .is_ok_and(|list| list.tokens.to_string().contains("test"))
    })
}

/// The paths that stand in an item.
#[derive(Default)]
struct Names {
    used: Vec<ModulePath>,
    exported: BTreeMap<String, ModulePath>,
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if is_for_tests(attributes) {
            return;
        }
        if let Item::Use(item) = item {
            let exports = !matches!(item.vis, Visibility::Inherited);
            self.take_use(&item.tree, Vec::new(), exports);
            return;
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.take_use(&item.tree, Vec::new(), false);
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        if let syn::ImplItem::Fn(function) = item
            && is_for_tests(&function.attrs)
        {
            return;
        }
        syn::visit::visit_impl_item(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        let segments: ModulePath = segments.collect();
        if segments.len() > 1 {
            self.used.push(segments);
        }
        syn::visit::visit_path(self, path);
    }
}

impl Names {
    fn take_use(&mut self, tree: &UseTree, mut path: ModulePath, exports: bool) {
        match tree {
            UseTree::Path(next) => {
                path.push(next.ident.to_string());
                self.take_use(&next.tree, path, exports);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.take_use(tree, path.clone(), exports);
                }
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                let called = if name == "self" {
                    path.last().cloned()
                } else {
                    Some(name.clone())
                };
                if name != "self" {
                    path.push(name);
                }
                self.take_name(called.unwrap_or_default(), path, exports);
            }
            UseTree::Rename(rename) => {
                path.push(rename.ident.to_string());
                self.take_name(rename.rename.to_string(), path, exports);
            }
            UseTree::Glob(_) => self.used.push(path),
        }
    }

    fn take_name(&mut self, called: String, path: ModulePath, exports: bool) {
        if exports {
            self.exported.insert(called, path);
        } else {
            self.used.push(path);
        }
    }
}
