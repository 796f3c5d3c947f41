//! Lines.
use std::process::ExitCode;
use anyhow::Result;
use crate::cli::Trace;
use crate::live::{attach::Tracer, facts, pump};

struct Dump(kmodtrace_core::order::Order);
impl pump::Sink for Dump {
    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.push(kmodtrace_core::decode::decode(bytes)?);
        while let Some(e) = self.0.next() { println!("{e:?}"); }
        Ok(())
    }
    fn settle(&mut self, idle: bool) -> Result<()> { println!("-- settle {idle}"); Ok(()) }
}

pub(crate) fn run(args: &Trace, bpf_log: bool) -> Result<ExitCode> {
    let t = std::time::Instant::now();
    let (facts, addresses) = facts::gather();
    eprintln!("facts {:?}", t.elapsed());
    let plan = kmodtrace_core::plan::resolve(kmodtrace_core::plan::CATALOGUE, &facts);
    let tracer = Tracer::attach(&facts, &addresses, plan, bpf_log)?;
    eprintln!("attached {:?}", t.elapsed());
    for l in std::fs::read_to_string("/proc/self/status")?.lines() { if l.starts_with("VmRSS")||l.starts_with("VmHWM") { eprintln!("{l}"); } }
    for p in &tracer.plan.probes { eprintln!("{} {:?} {:?}", p.spec.id, p.chosen().map(|c| c.attach[0].program.clone()), p.refused().map(|(_,r)| r.to_owned()).collect::<Vec<_>>()); }
    let rt = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _ = rt.block_on(pump::run(tracer, pump::Until { child: None, duration: args.duration }, &mut Dump(Default::default())))?;
    Ok(ExitCode::SUCCESS)
}
