//! What users see of a request that failed: its caller drops what it got, and makes an errno of its own.

use crate::model::{Errno, Request};
use crate::text::Glob;

/// What the caller of a kind of request makes of its failure.
#[derive(Debug)]
pub struct Made {
    /// Names of such requests.
    pub requests: &'static str,
    /// Who drops the answer, and where.
    pub by: &'static str,
    /// The errnos that the user gets, whatever went wrong.
    pub errnos: &'static [&'static str],
}

/// The first row whose pattern a request matches holds: special ones stand before general ones. From the callers of
/// `request_module` in the source of 5.10 to 7.2.
static MADE: &[Made] = &[
    made("fs-*", "mount and fsopen (fs/namespace.c, fs/fsopen.c)", &["ENODEV"]),
    made(
        "rtnl-link-*",
        "the creation of a link (net/core/rtnetlink.c)",
        &["EOPNOTSUPP"],
    ),
    made(
        "rtnl-lwt-*",
        "a route with an encapsulation (net/core/lwtunnel.c)",
        &["EOPNOTSUPP"],
    ),
    made(
        "net-pf-*-proto-*-family-*",
        "the look-up of a generic netlink family (net/netlink/genetlink.c)",
        &["ENOENT"],
    ),
    made(
        "net-pf-16-proto-4-type-*",
        "a query of sockets (net/core/sock_diag.c)",
        &["ENOENT"],
    ),
    made(
        "net-pf-*-proto-*",
        "socket (net/ipv4/af_inet.c, net/ipv6/af_inet6.c, net/netlink/af_netlink.c)",
        &["EPROTONOSUPPORT", "ESOCKTNOSUPPORT"],
    ),
    made("net-pf-*", "socket (net/socket.c)", &["EAFNOSUPPORT"]),
    made(
        "netdev-*",
        "an ioctl on an interface (net/core/dev_ioctl.c)",
        &["ENODEV"],
    ),
    made(
        "crypto-*",
        "the allocation of a cipher or hash (crypto/api.c)",
        &["ENOENT"],
    ),
    made("binfmt-*", "execve (fs/exec.c)", &["ENOEXEC"]),
    made("tcp-ulp-*", "setsockopt TCP_ULP (net/ipv4/tcp_ulp.c)", &["ENOENT"]),
    made("tcp_*", "setsockopt TCP_CONGESTION (net/ipv4/tcp_cong.c)", &["ENOENT"]),
    made("sch_*", "a queueing discipline (net/sched/sch_api.c)", &["ENOENT"]),
    made("net-sch-*", "a queueing discipline (net/sched/sch_api.c)", &["ENOENT"]),
    made("cls_*", "a traffic filter (net/sched/cls_api.c)", &["ENOENT"]),
    made("net-cls-*", "a traffic filter (net/sched/cls_api.c)", &["ENOENT"]),
    made("act_*", "a traffic action (net/sched/act_api.c)", &["ENOENT"]),
    made("net-act-*", "a traffic action (net/sched/act_api.c)", &["ENOENT"]),
    made("ipt_*", "iptables (net/netfilter/x_tables.c)", &["ENOENT"]),
    made("ip6t_*", "iptables (net/netfilter/x_tables.c)", &["ENOENT"]),
    made("xt_*", "iptables (net/netfilter/x_tables.c)", &["ENOENT"]),
    made(
        "nft-*",
        "nftables (net/netfilter/nf_tables_api.c)",
        &["ENOENT", "EOPNOTSUPP"],
    ),
    made(
        "nfnetlink-subsys-*",
        "a netfilter message (net/netfilter/nfnetlink.c)",
        &["EINVAL"],
    ),
    made(
        "block-major-*",
        "the opening of a block device (block/bdev.c)",
        &["ENXIO"],
    ),
    made(
        "char-major-10-*",
        "the opening of a device (drivers/char/misc.c)",
        &["ENODEV"],
    ),
    made("char-major-*", "the opening of a device (fs/char_dev.c)", &["ENXIO"]),
    made(
        "dm-*",
        "the loading of a device-mapper table (drivers/md/dm-table.c)",
        &["EINVAL"],
    ),
    made(
        "tty-ldisc-*",
        "the choice of a line discipline (drivers/tty/tty_ldisc.c)",
        &["EINVAL"],
    ),
    made("nls_*", "mount with a character set (fs/nls/nls_base.c)", &["EINVAL"]),
    made(
        "snd-card-*",
        "the opening of a sound device (sound/core/sound.c)",
        &["ENODEV"],
    ),
    made(
        "xfrm-type-*",
        "an IPsec state (net/xfrm/xfrm_state.c)",
        &["EPROTONOSUPPORT"],
    ),
];

/// The kernel's own test of requests asks for file systems as mount does.
static BY_TEST_KMOD: Made = made("fs-*", "tally_work_test (lib/test_kmod.c)", &["EINVAL"]);

const fn made(requests: &'static str, by: &'static str, errnos: &'static [&'static str]) -> Made {
    Made { requests, by, errnos }
}

impl Made {
    /// What the caller of this request makes of its failure, where that is known.
    pub fn of(request: &Request) -> Option<&'static Self> {
        let by = request.caller.as_ref().and_then(|caller| caller.called_by.as_deref());
        if by.is_some_and(|by| by.contains("[test_kmod]")) {
            return Some(&BY_TEST_KMOD);
        }
        // Few names begin like a row's, and making a glob takes longer.
        let begins = |made: &&Self| {
            let begin = made.requests.split('*').next().unwrap_or_default();
            request.name.starts_with(begin)
        };
        let mut likely = MADE.iter().filter(begins);
        likely.find(|made| Glob::new(made.requests).matches(&request.name))
    }

    /// Whether the user can get this errno of it.
    pub fn makes(&self, errno: Errno) -> bool {
        self.errnos.contains(&&*errno.name())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;
    use crate::analysis::origin::tests::others::request;

    fn of(name: &str) -> Option<&'static Made> {
        let mut failed = request(256);
        failed.name = name.into();
        Made::of(&failed)
    }

    #[test]
    fn the_special_row_holds_before_the_general_one() {
        assert_eq!(of("net-pf-9").unwrap().errnos, ["EAFNOSUPPORT"]);
        assert_eq!(of("net-pf-16-proto-16-family-wireguard").unwrap().errnos, ["ENOENT"]);
        assert!(
            of("net-pf-2-proto-132-type-1")
                .unwrap()
                .makes(Errno::named("ESOCKTNOSUPPORT").unwrap())
        );
        assert!(of("floppy").is_none());
    }

    #[test]
    fn errnos_have_names_of_errnos() {
        let names = MADE.iter().flat_map(|made| made.errnos);
        assert!(names.clone().all(|name| Errno::named(name).is_some()));
        assert!(names.count() > MADE.len() - 1);
    }
}
