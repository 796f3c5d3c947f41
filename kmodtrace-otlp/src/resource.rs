//! What everything that is sent is of: the machine, its kernel, and the recording.

use kmodtrace_core::report::{KernelRow, RecordingRow};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::attributes::Attributes;

/// The machine and its kernel.
pub(crate) fn resource(kernel: &KernelRow, recording: &RecordingRow) -> Resource {
    let attributes = Attributes::default()
        .text("service.name", Some("kmodtrace"))
        .text("host.name", recording.host.as_ref())
        .text("host.id", recording.machine_id.as_ref())
        .text("host.arch", kernel.arch.as_deref().map(arch))
        .text("os.type", Some("linux"))
        .text("os.version", kernel.release.as_ref())
        .text("os.description", kernel.version.as_ref())
        .text("kmodtrace.boot.id", recording.boot_id.as_ref())
        .number("kmodtrace.cpus", Some(recording.cpus));
    let tags = recording.tags.iter();
    let attributes = tags.fold(attributes, |all, (name, value)| {
        all.text(&format!("kmodtrace.tag.{name}"), Some(value))
    });
    Resource {
        attributes: attributes.into(),
        ..Resource::default()
    }
}

/// Who measured it.
pub(crate) fn scope(recording: &RecordingRow) -> InstrumentationScope {
    InstrumentationScope {
        name: "kmodtrace".to_owned(),
        version: recording.tool.clone(),
        ..InstrumentationScope::default()
    }
}

/// In the words of the conventions where they have one.
fn arch(machine: &str) -> &str {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
