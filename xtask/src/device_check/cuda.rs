//! Finds CUDA's compiler, and links against CUDA's libraries without having them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use super::announce;
use crate::failure::hinted;

/// Python packages with a CUDA compiler and its headers; installed together, they have the layout of a
/// toolkit.
const PACKAGES: [&str; 5] = [
    "nvidia-cuda-nvcc==13.0.88",
    "nvidia-cuda-crt==13.0.88",
    "nvidia-nvvm==13.0.88",
    "nvidia-cuda-cccl==13.0.85",
    "nvidia-cuda-runtime==13.0.96",
];
/// The toolkit's folder within the installed packages.
const IN_PACKAGES: &str = "nvidia/cu13";

/// A CUDA installation.
pub(super) struct Toolkit {
    home: PathBuf,
    /// Release, such as `13.0`.
    pub(super) version: String,
}

impl Toolkit {
    /// Finds the toolkit in `CUDA_HOME`, in `PATH`, or in the folder `fetched`, where `fetch` installs it if
    /// missing.
    pub(super) fn find(fetched: &Path, fetch: bool) -> anyhow::Result<Self> {
        let in_packages = fetched.join(IN_PACKAGES);
        let home = from_environment().or_else(|| has_nvcc(&in_packages).then(|| in_packages.clone()));
        let home = match home {
            Some(home) => home,
            None if fetch => {
                install(fetched)?;
                in_packages
            }
            None => bail!(hinted(
                "CUDA's compiler, nvcc, is neither in $CUDA_HOME/bin nor on PATH",
                format!(
                    "install CUDA 13, or `cargo xtask device-check --fetch-cuda`, which installs with pip: {}",
                    PACKAGES.join(" ")
                )
            )),
        };
        let version = version(&home.join("bin/nvcc"))?;
        announce(&format!("CUDA {version} in {}", home.display()));
        Ok(Self { home, version })
    }

    /// Returns the environment that cargo needs to compile and link with CUDA; writes the libraries to link
    /// against to `folder`.
    pub(super) fn environment(
        &self,
        root: &Path,
        folder: &Path,
    ) -> anyhow::Result<Vec<(&'static str, OsString)>> {
        self.write_stand_ins(root, folder)?;
        let path = prepend(&self.home.join("bin"), "PATH")?;
        let libraries = prepend(folder, "LIBRARY_PATH")?;
        Ok(vec![("CUDA_HOME", self.home.clone().into()), ("PATH", path), ("LIBRARY_PATH", libraries)])
    }

    /// The libraries that the target machine must have: cudarc's module, the name to link, the name to load.
    pub(super) fn libraries(&self) -> [(&'static str, &'static str, String); 6] {
        let major = self.version.split('.').next().unwrap_or_default();
        [
            ("driver", "cuda", "libcuda.so.1".to_owned()),
            ("cublas", "cublas", format!("libcublas.so.{major}")),
            ("cublaslt", "cublasLt", format!("libcublasLt.so.{major}")),
            // cuRAND's major version does not follow CUDA's.
            ("curand", "curand", "libcurand.so.10".to_owned()),
            ("nvrtc", "nvrtc", format!("libnvrtc.so.{major}")),
            // Nor does cuDNN's.
            ("cudnn", "cudnn", "libcudnn.so.9".to_owned()),
        ]
    }

    /// Returns CUDA's runtime library, which is small enough to pack.
    pub(super) fn runtime(&self) -> anyhow::Result<PathBuf> {
        let folders = ["lib", "lib64", "targets/x86_64-linux/lib"].map(|folder| self.home.join(folder));
        let major = self.version.split('.').next().unwrap_or_default();
        let found = folders.iter().map(|folder| folder.join(format!("libcudart.so.{major}")));
        found.into_iter().find(|path| path.exists()).ok_or_else(|| {
            let message = format!("no libcudart.so.{major} in {}", self.home.display());
            hinted(message, "install CUDA's runtime library")
        })
    }

    /// Writes stand-in libraries with the functions' names and no code. The linker needs no more, and CUDA's
    /// own libraries take hundreds of megabytes; the machine that runs the programs has them.
    fn write_stand_ins(&self, root: &Path, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let cudarc = source_of_cudarc(root)?;
        for (module, name, soname) in self.libraries() {
            let path = cudarc.join("src").join(module).join("sys/mod.rs");
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            compile_stand_in(&functions(&text), &folder.join(format!("lib{name}.so")), &soname)?;
        }
        let runtime = folder.join("libcudart.so");
        fs::copy(self.runtime()?, &runtime).with_context(|| runtime.display().to_string())?;
        Ok(())
    }
}

fn from_environment() -> Option<PathBuf> {
    let home = std::env::var_os("CUDA_HOME").map(PathBuf::from).filter(|home| has_nvcc(home));
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        let nvcc =
            std::env::split_paths(&path).map(|folder| folder.join("nvcc")).find(|nvcc| nvcc.is_file())?;
        // nvcc on PATH may be a link into the toolkit.
        Some(nvcc.canonicalize().ok()?.parent()?.parent()?.to_owned())
    };
    home.or_else(on_path)
}

fn has_nvcc(home: &Path) -> bool {
    home.join("bin/nvcc").is_file()
}

fn install(folder: &Path) -> anyhow::Result<()> {
    announce(&format!("installing {} with pip", PACKAGES.join(", ")));
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--no-deps", "--only-binary=:all:", "--target"]).arg(folder);
    let status = pip
        .args(PACKAGES)
        .status()
        .map_err(|error| hinted(format!("python3 does not start: {error}"), "install Python with pip"))?;
    if !status.success() {
        bail!(hinted("pip failed", "read its messages above"));
    }
    Ok(())
}

/// Such as `13.0`.
fn version(nvcc: &Path) -> anyhow::Result<String> {
    let output = Command::new(nvcc).arg("--version").output();
    let output = output.with_context(|| format!("{} does not start", nvcc.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_once("release ").and_then(|(_, rest)| rest.split_once(','));
    version
        .map(|(version, _)| version.to_owned())
        .with_context(|| format!("{} tells no release", nvcc.display()))
}

fn prepend(folder: &Path, variable: &str) -> anyhow::Result<OsString> {
    let before = std::env::var_os(variable).unwrap_or_default();
    let rest = std::env::split_paths(&before).filter(|path| !path.as_os_str().is_empty());
    Ok(std::env::join_paths([folder.to_owned()].into_iter().chain(rest))?)
}

/// Returns the source folder of cudarc, the crate that declares CUDA's functions.
fn source_of_cudarc(root: &Path) -> anyhow::Result<PathBuf> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--features", "simgan-cli/cudnn"])
        .current_dir(root)
        .output()
        .context("cargo did not start")?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    let cudarc =
        packages.find(|package| package["name"] == "cudarc").context("candle does not use cudarc")?;
    let manifest = Path::new(cudarc["manifest_path"].as_str().unwrap_or_default());
    manifest.parent().map(Path::to_owned).context("cudarc has no folder")
}

/// Returns the names of the foreign functions that a module of cudarc declares; generic functions are its own.
fn functions(text: &str) -> BTreeSet<&str> {
    let declared = text.lines().filter_map(|line| line.trim_start().strip_prefix("fn ")?.split_once('('));
    declared.map(|(name, _)| name).filter(|name| !name.contains('<')).collect()
}

fn compile_stand_in(functions: &BTreeSet<&str>, library: &Path, soname: &str) -> anyhow::Result<()> {
    let mut code = String::new();
    for name in functions {
        writeln!(code, "void {name}(void) {{}}")?;
    }
    let source = library.with_extension("c");
    fs::write(&source, code).with_context(|| source.display().to_string())?;
    let status = Command::new("cc")
        .args(["-shared", "-nostdlib", "-o"])
        .arg(library)
        .arg(format!("-Wl,-soname,{soname}"))
        .arg(&source)
        .status()
        .map_err(|error| hinted(format!("cc does not start: {error}"), "install a C compiler"))?;
    if !status.success() {
        bail!("cc cannot make {}", library.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_functions_are_found() {
        let text = "pub unsafe fn cuInit(a: u32) {\n    extern \"C\" {\n        fn cuInit(a: u32) -> R;\n    }\n\
                    fn load<F: Copy>(name: &str) -> F {";
        assert_eq!(functions(text), BTreeSet::from(["cuInit"]));
    }

    #[test]
    fn a_missing_compiler_is_an_error_that_says_how_to_get_it() {
        let empty = tempfile::tempdir().unwrap();
        if from_environment().is_some() {
            return;
        }
        let error = crate::failure::text(&Toolkit::find(empty.path(), false).err().unwrap());
        assert!(error.contains("--fetch-cuda") && error.contains("nvidia-cuda-nvcc"), "{error}");
    }
}
