//! Hosts among words.

use crate::text;

/// What a piece of text is, as far as links go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// A host, in lower case, without `www.`.
    Host(String),
    /// A page of a host.
    Page(String),
    /// What many hosts end in: `com.cn`.
    Suffix(String),
}

/// First labels under which countries sell names.
const SHARED: [&str; 9] = ["ac", "co", "com", "edu", "gov", "mil", "net", "or", "org"];
/// Endings longer than two letters that are believed without `www.` or `http://`.
const ENDINGS: &str = "app asia best biz blog cafe cam cc chat click cloud club com cool date design \
    dev edu email finance fit fun game games gov group guru host icu info ink int kim link live \
    lol loan ltd market men mil mobi money name net news one online org party plus porn press pro \
    pub red rocks run sale sex sexy shop site social space store stream studio tech test tel \
    today top trade travel vegas video vip wang watch website wiki win work world xin xxx xyz zone \
    中国 公司 网络 网址 集团 在线 我爱你 商城 网店 中文网 ";

/// Reads a term as a host or URL, if it is one.
pub(super) fn read(term: &str) -> Option<Link> {
    let folded = text::fold(term);
    let rest = folded.trim();
    let (rest, mut sure) = match rest.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => (rest, true),
        Some(_) => return None,
        None => (rest, false),
    };
    let cut = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(cut)?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // An address of mail names a person, not a host.
    if !sure && host.len() != authority.len() {
        return None;
    }
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) => return None,
        None => host,
    };
    let host = host.trim_end_matches('.');
    let host = match host.strip_prefix("www.") {
        Some(rest) if rest.contains('.') => {
            sure = true;
            rest
        }
        _ => host,
    };
    if !is_host(host, sure) {
        return None;
    }
    let host = host.to_owned();
    Some(if path.len() > 1 {
        Link::Page(host)
    } else if is_suffix(&host) {
        Link::Suffix(host)
    } else {
        Link::Host(host)
    })
}

fn is_host(host: &str, sure: bool) -> bool {
    let mut labels = 0;
    let mut last = "";
    for label in host.split('.') {
        let well = !label.starts_with('-')
            && !label.ends_with('-')
            && (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || text::is_han(c));
        if !well {
            return false;
        }
        labels += 1;
        last = label;
    }
    let four_numbers = labels == 4 && host.split('.').all(|label| label.parse::<u8>().is_ok());
    let letters = last.bytes().all(|byte| byte.is_ascii_lowercase());
    let known = last.len() == 2 && letters
        || last.starts_with("xn--")
        || ENDINGS.split_ascii_whitespace().any(|ending| ending == last)
        || sure && letters && last.len() > 1;
    host.len() <= 253 && (four_numbers || labels >= 2 && known)
}

fn is_suffix(host: &str) -> bool {
    host.split_once('.')
        .is_some_and(|(first, country)| country.len() == 2 && SHARED.contains(&first))
}
