//! A message that nothing is found in costs no allocation.

use std::borrow::Cow;

use quell::message::{Field, Kind, KindSet, Message};
use quell::rulebook::{Facts, Scratch};

use crate::rulebooks::{NOW, compile, sources};

fn message(text: &str) -> Message<'_> {
    Message {
        sender: Cow::Borrowed("someone"),
        elements: vec![Kind::Text],
        kinds: KindSet::of(Kind::Text),
        fields: vec![Field {
            element: Some(0),
            ordinal: 0,
            kinds: KindSet::of(Kind::Text),
            path: Cow::Borrowed("Text"),
            text: Cow::Borrowed(text),
            joined: false,
        }],
        ..Message::default()
    }
}

#[test]
fn nothing_found_is_nothing_allocated() {
    let rules = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let (rulebook, _) = compile(&sources(&rules));
    let rulebook = rulebook.unwrap();
    let facts = Facts::default();
    let mut scratch = Scratch::live();
    let messages = [
        message("今天的直播真好看，主播辛苦了谢谢大家"),
        message("what a great stream tonight, thank you so much"),
        message("ｆｕｌｌ width and caf\u{e9} with 3 digits: 1 2 3"),
    ];
    for message in &messages {
        // The first time makes the buffers large enough.
        drop(rulebook.judge(message, &facts, NOW, &mut scratch));
    }
    for message in &messages {
        let mut judgement = None;
        let counted = allocation_counter::measure(|| {
            judgement = Some(rulebook.judge(message, &facts, NOW, &mut scratch));
        });
        assert_eq!(judgement.unwrap(), quell::verdict::Judgement::default());
        assert_eq!(counted.count_total, 0, "{:?}", message.fields[0].text);
    }
}
