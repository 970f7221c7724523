//! Links, also those whose dots are hidden.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::view::View;

/// A link in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The host in lower case, its dots restored: `shop.example.com`. Punycode stays.
    pub host: String,
    /// Where the link stands in the plain view, from its scheme to the end of its path.
    pub range: Range<usize>,
}

/// Top-level domains that are no words: believed even where the dot is spelled or set apart.
const PLAIN: &str = "ac ae ai app ar at au bank be biz br bz ca cc ch cl cn co com cx cz de dev dk \
    edu ee es eu fi fm fr gg gl gov gr hk hu icu id ie il int io ir jp ke kr kz la lk lt ltd lu lv \
    ly mil mn mx my net ng nl nu nz org pe ph pk pl pt pw py qa ru sa se sg sh sk su th tj tk tr tv \
    tw tz ua ug uk uy uz vc vip vn wang ws xin xyz za";
/// Top-level domains that are words too: believed with a dot right between the labels.
const WORDS: &str = "art asia best bid bond blog buzz cam cash cfd chat cheap cloud club click \
    codes cyou date design digital fans fit fun fund fyi games gay gift gold group guru help homes \
    hot info ink kim link live loan lol love ltda market mobi mom monster network news ninja one \
    online page party plus porn press pro pub quest ren rent rest review rip rocks run sale sbs \
    sex shop show site social space store stream studio surf team tech tips today tools top trade \
    video watch webcam website wiki win work works world wtf yachts zone";
/// Function words: believed only with a scheme, `www` or a path.
const SHY: &str = "am as by do in is it me no so to us";

/// What a dot can be written as right between two labels, longest first.
const DOTS: [&str; 14] = [
    "(dot)", "[dot]", "{dot}", "<dot>", "(点)", "[点]", "(.)", "[.]", "{.}", "<.>", "。", "点",
    "·", ".",
];
/// The same set apart by spaces.
const SPACED_DOTS: [&str; 11] =
    [" (dot) ", " [dot] ", " (.) ", " [.] ", " dot ", " 点 ", " . ", " 。 ", " .", ". ", "。 "];

const SCHEMES: [&str; 8] =
    ["http://", "https://", "hxxp://", "hxxps://", "http:\\\\", "https:\\\\", "ftp://", "//"];

const LABELS_MAX: usize = 64;
const LABEL_MAX: usize = 63;
const HOST_MAX: usize = 253;

/// The links in a plain view.
///
/// A link is at least two labels with a dot between them, of which the last is a common top-level
/// domain, or a host after a scheme (`http://`, `hxxp://`). Mail addresses are none. The rarer the
/// way a dot is written, and the more a top-level domain is a word, the more has to speak for it.
/// Worth calling only if [`super::Signs::call_for_links`].
pub fn links(plain: &View) -> Vec<Link> {
    let text = plain.text();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find(is_label)).map(|n| at + n) {
        let chain = Chain::read(text, start);
        at = chain.end;
        if let Some(link) = chain.link(text) {
            at = link.range.end.max(at);
            found.push(link);
        }
    }
    found
}

/// A host and the domains it belongs to, narrowest first: `a.b.com`, `b.com`, `com`. A set of
/// domains covers a host if it holds one of them.
pub fn domains(host: &str) -> impl Iterator<Item = &str> {
    let parents = host.match_indices('.').filter_map(|(dot, _)| host.get(dot + 1..));
    std::iter::once(host).chain(parents).filter(|domain| !domain.is_empty())
}

/// Is there a dot with a space after it that can be one of a host, as in `example. com`?
pub(super) fn is_set_apart(text: &str) -> bool {
    let dots = [". ", "。 "].into_iter().flat_map(|dot| text.match_indices(dot));
    dots.filter_map(|(at, dot)| Some((dot, text.get(at + dot.len()..)?))).any(|(dot, rest)| {
        let label = rest.split(|char| !is_label(char)).next().unwrap_or_default();
        let short = dot.len() < 3 && label.len() == 2;
        label.len() > 1 && !short && top_level(label) == Some(TopLevel::Plain)
    })
}

/// Labels with dots between them.
#[derive(Debug)]
struct Chain {
    start: usize,
    end: usize,
    labels: Vec<Range<usize>>,
}

impl Chain {
    fn read(text: &str, start: usize) -> Self {
        let label = |at: usize| {
            let rest = text.get(at..).unwrap_or_default();
            at..at + rest.find(|char| !is_label(char)).unwrap_or(rest.len())
        };
        let mut chain = Self { start, end: start, labels: vec![label(start)] };
        loop {
            let end = chain.labels.last().map_or(start, |label| label.end);
            chain.end = end;
            if chain.labels.len() == LABELS_MAX {
                return chain;
            }
            let rest = text.get(end..).unwrap_or_default();
            let mut ahead = rest.chars();
            let dotted = match ahead.next() {
                Some(' ') => ahead
                    .next()
                    .is_some_and(|char| matches!(char, 'd' | '.' | '点' | '。' | '(' | '[')),
                first => first.is_some_and(|char| "([{<。点·.".contains(char)),
            };
            if !dotted {
                return chain;
            }
            let next = |dot: &str| Some(label(end + dot.len())).filter(|label| !label.is_empty());
            let kind = |label: &Range<usize>| text.get(label.clone()).and_then(top_level);
            let tight = DOTS.iter().find(|dot| rest.starts_with(**dot));
            if let Some(label) = tight.and_then(|dot| next(dot)) {
                let doubtful = tight.is_some_and(|dot| matches!(*dot, "点" | "·"));
                if doubtful && kind(&label) != Some(TopLevel::Plain) {
                    return chain;
                }
                chain.labels.push(label);
                continue;
            }
            // `see you. at noon` is no host, though `at` is a domain.
            let spaced = SPACED_DOTS.iter().filter(|dot| rest.starts_with(**dot));
            let mut labels = spaced.filter_map(|dot| {
                let label = next(dot)?;
                let short = dot.len() < 3 && label.len() == 2;
                (kind(&label) == Some(TopLevel::Plain) && !short).then_some(label)
            });
            let Some(label) = labels.next() else { return chain };
            chain.labels.push(label);
        }
    }

    fn link(&self, text: &str) -> Option<Link> {
        let before = text.get(..self.start)?;
        let scheme = SCHEMES.iter().filter(|scheme| before.ends_with(**scheme)).map(|s| s.len());
        let scheme = scheme.max();
        let label = |label: &Range<usize>| text.get(label.clone()).unwrap_or_default();
        let labels: Vec<&str> = self.labels.iter().map(label).collect();
        let certain = scheme.is_some() || labels.first() == Some(&"www");
        // What follows the host may have been read as more labels: `example.com。ok`.
        let last = (1..labels.len()).rev().find(|&last| {
            let path = self.labels.get(last).and_then(|label| text.get(label.end..));
            let pathed = path.is_some_and(|path| path.starts_with('/'));
            let label = labels.get(last).copied().unwrap_or_default();
            match top_level(label) {
                Some(TopLevel::Plain | TopLevel::Word) => true,
                Some(TopLevel::Shy) => certain || pathed,
                None => label.starts_with("xn--"),
            }
        });
        let last = last.or((scheme.is_some() && labels.len() > 1).then_some(labels.len() - 1))?;
        // After a scheme every label counts, or `http://own.com.evil.test` would pass for own.com.
        let last = if certain { self.dotted_on(text, last) } else { last };
        let end = self.labels.get(last)?.end;
        let rest = text.get(end..)?;
        // `name@example.com` and `http://name@example.com` differ in the scheme, far before.
        let mail = rest.starts_with('@') || before.ends_with('@') && !is_login(before);
        let host = labels.get(..=last)?.join(".");
        let sound = host.len() <= HOST_MAX
            && labels.iter().all(|label| label.len() <= LABEL_MAX)
            && labels
                .get(last.checked_sub(1)?)
                .is_some_and(|label| !is_number_only(label) || certain);
        if mail || !sound {
            return None;
        }
        let path = rest.find(|char: char| !char.is_ascii_graphic()).unwrap_or(rest.len());
        let path = if rest.starts_with(['/', ':', '?', '#']) { path } else { 0 };
        Some(Link { host, range: self.start - scheme.unwrap_or(0)..end + path })
    }
}

impl Chain {
    /// The last label that plain dots join to label number `from`.
    fn dotted_on(&self, text: &str, from: usize) -> usize {
        let pairs = self.labels.windows(2).skip(from);
        let joined = pairs.take_while(|pair| match pair {
            [before, after] => text.get(before.end..after.start) == Some("."),
            _ => false,
        });
        from + joined.count()
    }
}

/// Does the chunk before an `@` begin with a scheme?
fn is_login(before: &str) -> bool {
    let chunk =
        before.char_indices().rev().take(HOST_MAX).take_while(|(_, c)| c.is_ascii_graphic());
    let start = chunk.last().map_or(before.len(), |(at, _)| at);
    before.get(start..).is_some_and(|chunk| chunk.contains("://"))
}

fn is_number_only(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_label(char: char) -> bool {
    char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-' || char == '_'
}

/// How far a label is to be believed as a top-level domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TopLevel {
    Plain,
    Word,
    Shy,
}

fn top_level(label: &str) -> Option<TopLevel> {
    static KNOWN: LazyLock<HashMap<&str, TopLevel>> = LazyLock::new(|| {
        let lists = [(PLAIN, TopLevel::Plain), (WORDS, TopLevel::Word), (SHY, TopLevel::Shy)];
        let pairs = lists.into_iter().map(|(list, kind)| (list.split(' '), kind));
        pairs.flat_map(|(list, kind)| list.map(move |label| (label, kind))).collect()
    });
    KNOWN.get(label).copied()
}
