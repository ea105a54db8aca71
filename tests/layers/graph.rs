//! Which file of a crate uses which, read from the sources.
//!
//! A `use` or a path counts as an arrow from its file to the file that defines the name. A re-export is
//! followed to where it leads; that of a child is not an arrow, and neither is `mod x;`. Code that only tests and
//! fuzzing see is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{Attribute, ImplItem, Item, ItemMod, UseTree, Visibility, visit::Visit};

/// The files of one crate, by their path in the checkout, and the arrows between them.
pub(crate) struct Graph {
    /// The path of its root file.
    pub(crate) name: String,
    /// Every file.
    pub(crate) files: BTreeSet<String>,
    /// Each pair `(from, to)` where `from` uses a name that `to` defines.
    pub(crate) arrows: BTreeSet<(String, String)>,
}

/// A path of names, such as `["crate", "network", "client"]`.
type Names = Vec<String>;

/// One module: its file, the paths that it uses, and where the names lead that it re-exports.
#[derive(Default)]
struct Module {
    file: String,
    used: Vec<Names>,
    exported: BTreeMap<String, Names>,
}

impl Graph {
    /// Reads the crate whose root is that file of the checkout.
    pub(crate) fn read(checkout: &Path, root: &str) -> Self {
        let mut modules = BTreeMap::new();
        let path = checkout.join(root);
        let folder = path.parent().unwrap().to_owned();
        read_file(checkout, &path, &folder, Vec::new(), &mut modules);
        let mut arrows = BTreeSet::new();
        for (at, module) in &modules {
            for path in &module.used {
                let to = defining_file(&modules, at, path, 0);
                arrows.extend(to.map(|to| (module.file.clone(), to)));
            }
        }
        arrows.retain(|(from, to)| from != to);
        Self {
            name: root.to_owned(),
            files: modules.into_values().map(|module| module.file).collect(),
            arrows,
        }
    }

    /// The groups of two or more files that use each other, directly or through others.
    pub(crate) fn circles(&self) -> Vec<Vec<&str>> {
        let reached: BTreeMap<&str, BTreeSet<&str>> = self
            .files
            .iter()
            .map(|file| (file.as_str(), self.reached_from(file)))
            .collect();
        let circle = |file: &&str| -> Vec<&str> {
            let both_ways = reached[file]
                .iter()
                .filter(|to| reached[*to].contains(file));
            both_ways.copied().collect()
        };
        let circles: BTreeSet<Vec<&str>> = reached.keys().map(circle).collect();
        circles
            .into_iter()
            .filter(|circle| circle.len() > 1)
            .collect()
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

/// Reads a module's file, and the files of the modules that it declares.
fn read_file(
    checkout: &Path,
    file: &Path,
    folder: &Path,
    at: Names,
    modules: &mut BTreeMap<Names, Module>,
) {
    let text =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut module = Module {
        file: file.strip_prefix(checkout).unwrap().display().to_string(),
        ..Module::default()
    };
    for item in syn::parse_file(&text).unwrap().items {
        let Item::Mod(ItemMod {
            attrs,
            ident,
            content: None,
            ..
        }) = &item
        else {
            module.visit_item(&item);
            continue;
        };
        if !is_for_tests(attrs) {
            let (name, mut inner) = (ident.to_string(), at.clone());
            inner.push(name.clone());
            let beside = folder.join(format!("{name}.rs"));
            let within: PathBuf = folder.join(&name).join("mod.rs");
            let file = if beside.exists() { beside } else { within };
            read_file(checkout, &file, &folder.join(&name), inner, modules);
        }
    }
    modules.insert(at, module);
}

/// The file that defines the name at the end of a path that the module `at` uses; `None` in another crate.
fn defining_file(
    modules: &BTreeMap<Names, Module>,
    at: &[String],
    path: &[String],
    hops: usize,
) -> Option<String> {
    let up = path.iter().take_while(|name| *name == "super").count();
    let absolute: Names = match path.first()?.as_str() {
        "crate" => path[1..].to_vec(),
        "self" => [at, &path[1..]].concat(),
        "super" => [&at[..at.len().checked_sub(up)?], &path[up..]].concat(),
        // A module that is declared here; else a local name or another crate.
        _ => Some([at, path].concat())
            .filter(|_| modules.contains_key(&[at, &path[..1]].concat()))?,
    };
    let length = (0..=absolute.len())
        .rev()
        .find(|length| modules.contains_key(&absolute[..*length]))?;
    let module = &modules[&absolute[..length]];
    let exported = absolute
        .get(length)
        .and_then(|name| module.exported.get(name));
    match exported {
        // A chain of re-exports is short; the bound is for one that leads back to itself.
        Some(to) if hops < 8 => defining_file(modules, &absolute[..length], to, hops + 1),
        _ => Some(module.file.clone()),
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let tests = |attribute: &&Attribute| {
        let list = attribute.meta.require_list();
        attribute.path().is_ident("cfg")
            && list.is_ok_and(|list| list.tokens.to_string().contains("test"))
    };
    attributes.iter().any(|attribute| tests(&attribute))
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !is_for_tests(attributes) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !matches!(item, ImplItem::Fn(function) if is_for_tests(&function.attrs)) {
            syn::visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let exports = !matches!(item.vis, Visibility::Inherited);
        self.take_use(&item.tree, Vec::new(), exports);
    }

    /// A macro's input is not parsed, so its paths are read from its text.
    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let text = item.tokens.to_string().replace(" :: ", "::");
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
        let paths = words.filter(|word| word.contains("::"));
        self.used
            .extend(paths.map(|path| path.split("::").map(str::to_owned).collect()));
        syn::visit::visit_macro(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let names = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string());
            self.used.push(names.collect());
        }
        syn::visit::visit_path(self, path);
    }
}

impl Module {
    fn take_use(&mut self, tree: &UseTree, mut path: Names, exports: bool) {
        let called = match tree {
            UseTree::Path(next) => {
                path.push(next.ident.to_string());
                return self.take_use(&next.tree, path, exports);
            }
            UseTree::Group(group) => {
                let trees = group.items.iter();
                return trees.for_each(|tree| self.take_use(tree, path.clone(), exports));
            }
            UseTree::Name(name) if name.ident == "self" => path.last().unwrap().clone(),
            UseTree::Name(name) => {
                path.push(name.ident.to_string());
                name.ident.to_string()
            }
            UseTree::Rename(rename) => {
                path.push(rename.ident.to_string());
                rename.rename.to_string()
            }
            UseTree::Glob(_) => return self.used.push(path),
        };
        let of_a_child = !["crate", "super"].contains(&path[0].as_str());
        if !exports || !of_a_child {
            self.used.push(path.clone());
        }
        if exports {
            self.exported.insert(called, path);
        }
    }
}
