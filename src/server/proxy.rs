//! What a proxy in front says about the caller: PROXY protocol version 2 before the connection's
//! first byte, and `X-Forwarded-For` in a request's head. Only those the operator trusts are asked.

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::header::HeaderMap;
use tokio::io::{AsyncRead, AsyncReadExt};

/// What such a header begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// More than balancers put into theirs; the addresses take 36 bytes.
const REST_MAX: u16 = 4096;

/// Whether connections begin with a PROXY header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// They do not.
    #[default]
    Off,
    /// All do, of version 2; only trusted proxies may connect.
    V2,
}

/// Why a header is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a PROXY header of version 2 for a TCP connection")]
pub(super) struct NoHeader;

/// The first part of a header, which says how long the rest is.
#[derive(Debug, Clone, Copy)]
struct Fixed {
    family: Family,
    rest: usize,
}

#[derive(Debug, Clone, Copy)]
enum Family {
    /// The proxy speaks for itself, or for somebody without an address.
    Nobody,
    V4,
    V6,
}

/// Reads a header and not a byte more: the address it gives, `None` where the proxy itself calls.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<IpAddr>> {
    let no_header = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let mut fixed = [0; 16];
    stream.read_exact(&mut fixed).await?;
    let fixed = Fixed::parse(&fixed).map_err(no_header)?;
    let mut rest = vec![0; fixed.rest];
    stream.read_exact(&mut rest).await?;
    fixed.source(&rest).map_err(no_header)
}

impl Fixed {
    fn parse(bytes: &[u8; 16]) -> Result<Self, NoHeader> {
        let (signature, [what, family, high, low]) = bytes.split_last_chunk().ok_or(NoHeader)?;
        let rest = u16::from_be_bytes([*high, *low]);
        if signature != SIGNATURE || rest > REST_MAX {
            return Err(NoHeader);
        }
        let family = match (what, family) {
            // The proxy's own connection, such as a health check; or an address of another kind.
            (0x20, _) | (0x21, 0x00 | 0x31) => Family::Nobody,
            (0x21, 0x11) => Family::V4,
            (0x21, 0x21) => Family::V6,
            _ => return Err(NoHeader),
        };
        Ok(Self { family, rest: usize::from(rest) })
    }

    fn source(self, rest: &[u8]) -> Result<Option<IpAddr>, NoHeader> {
        // Both addresses and ports must be there; what follows them is of no use here.
        match self.family {
            Family::Nobody => Ok(None),
            Family::V4 => {
                let [a, b, c, d, ..] = rest.first_chunk::<12>().ok_or(NoHeader)?;
                Ok(Some(Ipv4Addr::new(*a, *b, *c, *d).into()))
            }
            Family::V6 => {
                let addresses = rest.first_chunk::<36>().ok_or(NoHeader)?;
                let source = addresses.first_chunk::<16>().ok_or(NoHeader)?;
                Ok(Some(Ipv6Addr::from(*source).to_canonical()))
            }
        }
    }
}

/// The last address in `X-Forwarded-For` that is not trusted. Each proxy appends whom it was asked
/// by, so what lies before that may be anybody's invention.
pub(super) fn forwarded_for(
    headers: &HeaderMap,
    trusts: impl Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    for value in headers.get_all("x-forwarded-for").iter().rev() {
        for part in value.to_str().ok()?.rsplit(',') {
            let address = address(part.trim())?;
            if !trusts(address) {
                return Some(address);
            }
        }
    }
    None
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse().map(|it: SocketAddr| it.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}
