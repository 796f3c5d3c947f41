//! What the machine has: one of everything that QEMU emulates and that has a driver among the kernel's modules, so that its boot
//! has many tasks ask for many modules at once.

/// QEMU's devices, one a line. A bridge holds those that need no bus of their own kind: the machine's first bus is too short.
const DEVICES: &str = "\
pci-bridge,id=more,chassis_nr=1
intel-hda,bus=more,addr=1
hda-duplex,audiodev=silent
AC97,bus=more,addr=2,audiodev=silent
ES1370,bus=more,addr=3,audiodev=silent
e1000,bus=more,addr=4
rtl8139,bus=more,addr=5
pcnet,bus=more,addr=6
i82559er,bus=more,addr=7
ne2k_pci,bus=more,addr=8
tulip,bus=more,addr=9
am53c974,bus=more,addr=10
lsi53c895a,bus=more,addr=11
i6300esb,bus=more,addr=12
pci-serial,bus=more,addr=13
e1000e
vmxnet3
virtio-net-pci
qemu-xhci,id=xhci
usb-hub,bus=xhci.0,port=1
usb-ccid,bus=xhci.0,port=1.1
usb-net,bus=xhci.0,port=1.2
usb-audio,bus=xhci.0,port=2,audiodev=silent
usb-tablet,bus=xhci.0,port=3
usb-storage,bus=xhci.0,port=4,drive=stick
usb-ehci
piix3-usb-uhci
nvme,drive=flash,serial=flash
megasas
virtio-scsi-pci
ahci
mptsas1068
pvscsi
sdhci-pci
virtio-gpu-pci
virtio-balloon-pci
virtio-rng-pci
virtio-serial-pci
virtio-keyboard-pci
VGA
pvpanic-pci";

/// What these refer to: sound that nobody hears, and disks that hold nothing.
const BEHIND: [&str; 6] = [
    "-audiodev",
    "none,id=silent",
    "-drive",
    "if=none,id=stick,format=raw,file=null-co://",
    "-drive",
    "if=none,id=flash,format=raw,file=null-co://",
];

/// All of it as QEMU's arguments.
pub(super) fn arguments() -> impl Iterator<Item = &'static str> {
    let devices = DEVICES.lines().flat_map(|device| ["-device", device]);
    BEHIND.into_iter().chain(devices)
}
