//! Which machine this is: without telling which, and by its name.

use std::fs;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What makes the ids of kmodtrace others than those of any other program.
const APPLICATION: u128 = 0x62f2_4731_f50f_4332_bdd4_0730_4184_478a;

/// The machine's id, hashed for kmodtrace as `sd_id128_get_machine_app_specific(3)` does for any program, in 32 hexadecimal digits:
/// recordings of one machine have the same, and the machine's own id, which is not to be told, does not follow from it. None where the
/// machine has none, as in an initramfs.
pub(crate) fn id() -> Option<String> {
    hashed(fs::read_to_string("/etc/machine-id").ok()?.trim_end())
}

/// The machine's name.
pub(crate) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn hashed(id: &str) -> Option<String> {
    // 32 digits, and not the word of a machine that is still to get one.
    let id = u128::from_str_radix(id, 16).ok().filter(|_| id.len() == 32)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&id.to_be_bytes()).ok()?;
    mac.update(&APPLICATION.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let mut id: [u8; 16] = *hash.first_chunk()?;
    // As in a UUID made of random numbers.
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    Some(format!("{:032x}", u128::from_be_bytes(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `systemd-id128 machine-id --app-specific` of systemd 252, with this id in /etc/machine-id.
    #[test]
    fn ids_are_those_of_systemd() {
        assert_eq!(
            hashed("0123456789abcdef0123456789abcdef").as_deref(),
            Some("bbb9d8b7502445af815a85bca36ed26a")
        );
        for none in ["", "uninitialized", "0123", "0123456789abcdef0123456789abcdeg"] {
            assert_eq!(hashed(none), None, "{none}");
        }
    }
}
