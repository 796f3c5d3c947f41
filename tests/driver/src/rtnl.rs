//! Holding RTNL, and with it the init and exit functions of every module with a network device.

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result, anyhow};

use crate::uffd::Border;

const SIOCETHTOOL: libc::c_ulong = 0x8946;
const ETHTOOL_GLINK: u32 = 0x0a;

/// `struct ifreq` with a pointer in its union.
#[repr(C)]
struct Request {
    name: [u8; 16],
    data: usize,
    rest: [u8; 16],
}

/// RTNL, held until released.
///
/// `dev_ethtool` copies the answer of `ETHTOOL_GLINK` (`struct ethtool_value`: the command, then the value) to the
/// caller under `rtnl_lock`. The command lies before a border and is read before; the value behind it.
pub(crate) struct Rtnl {
    border: Border,
    ioctl: JoinHandle<io::Result<()>>,
}

impl Rtnl {
    /// Takes it.
    pub(crate) fn hold() -> Result<Self> {
        let mut border = Border::new()?;
        let data = border.write_before(&ETHTOOL_GLINK.to_ne_bytes())?;
        let ioctl = thread::spawn(move || ask(data));
        border.wait_fault("the holder of RTNL").context("ETHTOOL_GLINK of lo")?;
        Ok(Self { border, ioctl })
    }

    /// Gives it back.
    pub(crate) fn release(self) -> Result<()> {
        self.border.open()?;
        let answer = self.ioctl.join().map_err(|_| anyhow!("the holder of RTNL panicked"))?;
        answer.context("ETHTOOL_GLINK of lo, which was to hold RTNL")
    }
}

fn ask(data: usize) -> io::Result<()> {
    let socket = socket()?;
    let mut request = Request {
        name: *b"lo\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        data,
        rest: [0; 16],
    };
    // SAFETY: the struct is an ifreq. Its data points at 8 bytes in the pages of a border, which stay mapped and hold
    // nothing else.
    match unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &raw mut request) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Any socket will do, and `lo` need not be up.
fn socket() -> io::Result<OwnedFd> {
    // SAFETY: takes numbers only.
    let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
