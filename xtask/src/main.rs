//! What cargo cannot do: compilers for BPF, kernels, guests to run in.

mod bench;
mod bisect_demo;
mod demo;
mod facts;
mod fuzz;
mod kernel;
mod pictures;
mod setup;
mod test;
mod vm;

use std::{io, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    about = "What cargo cannot do for kmodtrace"
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Setup(setup::SetupArgs),
    Vm(Box<vm::VmArgs>),
    Kernel(kernel::KernelArgs),
    Demo(demo::DemoArgs),
    BisectDemo(bisect_demo::BisectDemoArgs),
    Test(test::TestArgs),
    Facts(facts::FactsArgs),
    Fuzz(fuzz::FuzzArgs),
    Pictures(pictures::PicturesArgs),
    Bench(bench::BenchArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    run(&cli.task).unwrap_or_else(|error| {
        let closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
        if error.chain().filter_map(|cause| cause.downcast_ref()).any(closed) {
            // Nobody reads what a guest says any more, as with `| head`: the status a shell gives for that.
            return ExitCode::from(141);
        }
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(task: &Task) -> Result<ExitCode> {
    match task {
        Task::Setup(args) => setup::main(args),
        Task::Vm(args) => vm::main(args),
        Task::Kernel(args) => kernel::main(args),
        Task::Demo(args) => demo::main(args),
        Task::BisectDemo(args) => bisect_demo::main(args),
        Task::Test(args) => test::main(args),
        Task::Facts(args) => facts::main(args),
        Task::Fuzz(args) => fuzz::main(args),
        Task::Pictures(args) => pictures::main(args),
        Task::Bench(args) => bench::main(args),
    }
}
