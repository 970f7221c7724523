//! What happens in the rooms: an endless row of callbacks, the same for the same seed.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Options;
use super::chance::Chance;
use super::disguise::{Baited, Disguise};
use super::templates::{self, CORRECTIONS, DEAR_GIFTS, GIFTS, NAMES, SONGS};

/// Copies of one flood, and how many of them are still welcome.
const FLOOD_COPIES: u32 = 8;
const FLOOD_WELCOME: u32 = 3;
/// What belongs together is so many callbacks apart, at most.
const GAP_MAX: u32 = 40;

/// What a message is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    #[default]
    Chat,
    Like,
    Gift,
    Edit,
    Contact,
    Number,
    Link,
    Gambling,
    Loan,
    Scam,
    Boosting,
    Rude,
    Repetition,
    Flood,
    ForgedGift,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Like => "like",
            Self::Gift => "gift",
            Self::Edit => "edit",
            Self::Contact => "contact",
            Self::Number => "number",
            Self::Link => "link",
            Self::Gambling => "gambling",
            Self::Loan => "loan",
            Self::Scam => "scam",
            Self::Boosting => "boosting",
            Self::Rude => "rude",
            Self::Repetition => "repetition",
            Self::Flood => "flood",
            Self::ForgedGift => "forged-gift",
        }
    }
}

/// So many of each kind in a row of messages that are meant to be stopped.
const ABUSE: [(Kind, u32); 11] = [
    (Kind::Contact, 26),
    (Kind::Number, 12),
    (Kind::Link, 12),
    (Kind::Gambling, 10),
    (Kind::Loan, 8),
    (Kind::Scam, 8),
    (Kind::Boosting, 8),
    (Kind::Rude, 8),
    (Kind::ForgedGift, 4),
    (Kind::Repetition, 3),
    (Kind::Flood, 1),
];
/// The same for those that are welcome: `Contact` and so on here look like it and are innocent.
const WELCOME: [(Kind, u32); 13] = [
    (Kind::Chat, 56),
    (Kind::Like, 16),
    (Kind::Gift, 10),
    (Kind::Edit, 2),
    (Kind::Contact, 3),
    (Kind::Number, 2),
    (Kind::Link, 2),
    (Kind::Gambling, 2),
    (Kind::Loan, 1),
    (Kind::Scam, 1),
    (Kind::Boosting, 2),
    (Kind::Rude, 2),
    (Kind::Repetition, 1),
];

/// What should become of a message, by whoever wrote it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) kind: Kind,
    /// It should not be delivered as it is.
    pub(super) stop: bool,
    pub(super) disguise: Disguise,
}

/// A callback to make.
#[derive(Debug, Clone)]
pub(super) struct Shot {
    pub(super) command: &'static str,
    pub(super) platform: &'static str,
    /// The body, but for the time.
    pub(super) body: Map<String, Value>,
    /// What should become of the message in it, if the reply decides that.
    pub(super) label: Option<Label>,
}

/// The rooms and the viewers.
#[derive(Debug)]
pub(super) struct Traffic {
    chance: Chance,
    rooms: u32,
    senders: u32,
    abuse_percent: u32,
    count: u64,
    /// What will follow on what was said, and at which count.
    planned: VecDeque<(u64, Shot)>,
    /// The last `MsgSeq` given out; one row for all rooms keeps each room's in order, too.
    sequence: u64,
}

impl Traffic {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            chance: Chance::new(options.seed),
            rooms: options.rooms.get(),
            senders: options.senders.get(),
            abuse_percent: options.abuse_percent,
            count: 0,
            planned: VecDeque::new(),
            sequence: 0,
        }
    }

    /// The next callback.
    pub(super) fn next(&mut self) -> Shot {
        self.count = self.count.wrapping_add(1);
        let due = self.planned.front().is_some_and(|(when, _)| *when <= self.count);
        if due && let Some((_, shot)) = self.planned.pop_front() {
            return shot;
        }
        match self.chance.below(100) {
            0..2 => self.presence(),
            2 => self.gift_check(),
            _ if self.chance.percent(self.abuse_percent) => self.abuse(),
            _ => self.welcome(),
        }
    }

    /// What the platform tells after it has delivered the message of `shot`, rewritten by a
    /// gateway's reply where that says so.
    pub(super) fn delivered(&mut self, shot: &Shot, rewritten: Option<Value>) -> Shot {
        self.sequence = self.sequence.wrapping_add(1);
        let mut body = shot.body.clone();
        body.extend(object(json!({
            "CallbackCommand": "Group.CallbackAfterSendMsg",
            "MsgSeq": self.sequence,
        })));
        body.extend(rewritten.map(|elements| ("MsgBody".to_owned(), elements)));
        Shot { command: "Group.CallbackAfterSendMsg", platform: shot.platform, body, label: None }
    }

    fn abuse(&mut self) -> Shot {
        let kind = weighed(&mut self.chance, &ABUSE);
        match kind {
            Kind::ForgedGift => return self.forged_gift(),
            Kind::Flood => return self.flood(),
            Kind::Repetition => {
                let times = 5 + self.chance.below(4);
                let piece = self.chance.pick(templates::of(kind).bad);
                let text = (0..times).map(|_| piece).collect::<String>();
                return self.said(kind, true, Disguise::Plain, &[text]);
            }
            _ => {}
        }
        let template = self.chance.pick(templates::of(kind).bad);
        let text = Baited::read(&self.filled(template));
        let (disguise, texts) = self.disguised(&text, 45);
        let shot = self.said(kind, true, disguise, &texts);
        // Refused, they try again in another way.
        if self.chance.percent(20) {
            let (disguise, texts) = self.disguised(&text, 100);
            let body = json!({ "MsgBody": elements(&texts) });
            let again = Shot { body: self.again(&shot, body), ..shot.clone() };
            self.plan(Shot { label: Some(Label { kind, stop: true, disguise }), ..again });
        }
        shot
    }

    fn welcome(&mut self) -> Shot {
        let kind = weighed(&mut self.chance, &WELCOME);
        match kind {
            Kind::Like => {
                let data = json!({ "type": "like", "count": 1 + self.chance.below(30) });
                self.sent(label(kind), &json!([custom(&data, "")]))
            }
            Kind::Gift => {
                let (id, price, says) = self.chance.pick(GIFTS);
                let count = 1 + self.chance.below(9);
                let data = json!({ "type": "gift", "gift_id": id, "price": price, "count": count });
                self.sent(label(kind), &json!([custom(&data, says)]))
            }
            Kind::Edit => self.correction(),
            _ => {
                let template = self.chance.pick(templates::of(kind).fine);
                let text = self.filled(template);
                self.said(kind, false, Disguise::Plain, &[text])
            }
        }
    }

    /// In disguise so many times in a hundred.
    fn disguised(&mut self, text: &Baited, percent: u32) -> (Disguise, Vec<String>) {
        if self.chance.percent(percent) {
            for _ in 0..4 {
                let disguise = self.chance.pick(&Disguise::ALL);
                if let Some(texts) = disguise.apply(text, &mut self.chance) {
                    return (disguise, texts);
                }
            }
        }
        let Baited { before, bait, after } = text;
        (Disguise::Plain, vec![format!("{before}{bait}{after}")])
    }

    /// A text message; one in a few is a custom element of the app, as comments on screen are.
    fn said(&mut self, kind: Kind, stop: bool, disguise: Disguise, texts: &[String]) -> Shot {
        let body = match texts {
            [text] if self.chance.percent(12) => {
                json!([custom(&json!({ "type": "danmaku", "text": text, "color": "#fff" }), "")])
            }
            _ if !stop && self.chance.percent(5) => {
                let face = json!({ "Index": self.chance.below(40), "Data": "[smile]" });
                let mut all = elements(texts);
                all.push(json!({ "MsgType": "TIMFaceElem", "MsgContent": face }));
                Value::Array(all)
            }
            _ => Value::Array(elements(texts)),
        };
        self.sent(Label { kind, stop, disguise }, &body)
    }

    fn sent(&mut self, label: Label, elements: &Value) -> Shot {
        let sender = format!("viewer_{:05}", self.chance.below(self.senders));
        let (room, kind) = self.room();
        let (random, platform) = (self.chance.below(u32::MAX), self.platform());
        let mut body = object(json!({
            "CallbackCommand": "Group.CallbackBeforeSendMsg",
            "GroupId": room,
            "Type": kind,
            "From_Account": sender,
            "Operator_Account": sender,
            "Random": random,
            "MsgId": format!("144115200000000001-{}-{random}", self.count),
            "OnlineOnlyFlag": 0,
            "MsgBody": elements,
        }));
        if self.chance.percent(25) {
            let level = self.chance.below(50);
            let custom = format!(r#"{{"level":{level},"badge":"fan"}}"#);
            body.insert("CloudCustomData".to_owned(), custom.into());
        }
        Shot { command: "Group.CallbackBeforeSendMsg", platform, body, label: Some(label) }
    }

    fn forged_gift(&mut self) -> Shot {
        let data = if self.chance.percent(50) {
            let id = self.chance.pick(DEAR_GIFTS);
            json!({ "type": "gift", "gift_id": id, "price": 0, "count": 1 })
        } else {
            let count = 20_000 + self.chance.below(70_000);
            json!({ "type": "gift", "gift_id": "rose", "price": 1, "count": count })
        };
        let label = Label { kind: Kind::ForgedGift, stop: true, disguise: Disguise::Plain };
        self.sent(label, &json!([custom(&data, "")]))
    }

    /// The same words from the same viewer, over and over; the first few are welcome.
    fn flood(&mut self) -> Shot {
        let text = self.chance.pick(templates::of(Kind::Flood).bad).to_owned();
        let first = self.said(Kind::Flood, false, Disguise::Plain, &[text]);
        for copy in 1..FLOOD_COPIES {
            let stop = copy >= FLOOD_WELCOME;
            let label = Label { stop, ..first.label.unwrap_or_default() };
            let body = self.again(&first, json!({}));
            self.plan(Shot { body, label: Some(label), ..first.clone() });
        }
        first
    }

    /// Something mistyped, recalled, and said right: the platform has no callback for edits, so
    /// this is what an edit looks like from here.
    fn correction(&mut self) -> Shot {
        let (wrong, right) = self.chance.pick(CORRECTIONS);
        let first = self.said(Kind::Edit, false, Disguise::Plain, &[wrong.to_owned()]);
        let recall = json!({
            "CallbackCommand": "Group.CallbackAfterRecallMsg",
            "Operator_Account": first.body.get("From_Account"),
            "Type": first.body.get("Type"),
            "GroupId": first.body.get("GroupId"),
            "MsgSeqList": [{ "MsgSeq": self.sequence }],
        });
        let command = "Group.CallbackAfterRecallMsg";
        self.plan(Shot { command, body: object(recall), label: None, ..first.clone() });
        let body = self.again(&first, json!({ "MsgBody": elements(&[right.to_owned()]) }));
        self.plan(Shot { body, ..first.clone() });
        first
    }

    /// Viewers come and go.
    fn presence(&mut self) -> Shot {
        let sender = format!("viewer_{:05}", self.chance.below(self.senders));
        let (room, _) = self.room();
        let (event, cause) = self.chance.pick(&[("Online", "Join"), ("Offline", "Quit")]);
        let command = "Group.CallbackOnMemberStateChange";
        let body = json!({
            "CallbackCommand": command,
            "GroupId": room,
            "EventType": event,
            "EventCause": cause,
            "MemberList": [{ "Member_Account": sender }],
        });
        Shot { command, platform: "Unknown", body: object(body), label: None }
    }

    /// A gift that the platform asks about before it is sent.
    fn gift_check(&mut self) -> Shot {
        let (id, price, _) = self.chance.pick(GIFTS);
        let sender = format!("viewer_{:05}", self.chance.below(self.senders));
        let (room, _) = self.room();
        let command = "Live.CallbackBeforeSendGift";
        let body = json!({
            "CallbackCommand": command,
            "Operator_Account": sender,
            "RoomId": room,
            "GiftWater": {
                "From_Account": sender,
                "To_Account": ["anchor"],
                "GiftId": id,
                "Count": 1,
                "Coins": price,
            },
        });
        let platform = self.platform();
        Shot { command, platform, body: object(body), label: Some(label(Kind::Gift)) }
    }

    /// The body of a message like that of `shot`, sent again with these changes.
    fn again(&mut self, shot: &Shot, changes: Value) -> Map<String, Value> {
        let mut body = shot.body.clone();
        let random = self.chance.below(u32::MAX);
        let id = format!("144115200000000001-{}-{random}", self.count);
        body.extend(object(json!({ "Random": random, "MsgId": id })));
        body.extend(object(changes));
        body
    }

    /// Has `shot` follow, after all that was planned for the same moment.
    fn plan(&mut self, shot: Shot) {
        let last = self.planned.back().map_or(0, |(when, _)| *when).max(self.count);
        let gap = 1 + self.chance.below(GAP_MAX / 4);
        let latest = self.count.wrapping_add(u64::from(GAP_MAX) * u64::from(FLOOD_COPIES));
        self.planned.push_back((last.wrapping_add(u64::from(gap)).min(latest), shot));
    }

    fn room(&mut self) -> (String, &'static str) {
        let room = self.chance.below(self.rooms);
        if room.is_multiple_of(3) {
            (format!("live_{room:04}"), "Live")
        } else {
            (format!("@TGS#aROOM{room:04}"), "AVChatRoom")
        }
    }

    fn platform(&mut self) -> &'static str {
        self.chance.pick(&["Android", "Android", "iOS", "iOS", "Web", "Windows"])
    }

    /// A template with its gaps filled.
    fn filled(&mut self, template: &str) -> String {
        let mut text = String::with_capacity(template.len() + 16);
        let mut rest = template;
        while let Some((before, (gap, after))) =
            rest.split_once('{').and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
        {
            text.push_str(before);
            text.push_str(&self.gap(gap));
            rest = after;
        }
        text.push_str(rest);
        text
    }

    /// Something to fill a gap of this name with.
    fn gap(&mut self, name: &str) -> String {
        let chance = &mut self.chance;
        match name {
            "name" => chance.pick(NAMES).to_owned(),
            "song" => chance.pick(SONGS).to_owned(),
            "small" => (1 + chance.below(30)).to_string(),
            "handle" => {
                let stem = chance.pick(&["xx", "lulu", "aj", "kk_", "hao"]);
                format!("{stem}{}", chance.digits(6))
            }
            "account" => format!("2{}", chance.digits(8)),
            "phone" => {
                let stem = chance.pick(&["138", "139", "150", "186", "199"]);
                format!("{stem}{}", chance.digits(8))
            }
            _ => {
                let stem = chance.pick(&["spam", "win", "hd-live", "freebies", "hb"]);
                format!("{stem}{}.example.net", chance.below(100))
            }
        }
    }
}

fn weighed(chance: &mut Chance, kinds: &[(Kind, u32)]) -> Kind {
    let mut left = chance.below(kinds.iter().map(|(_, weight)| weight).sum());
    for (kind, weight) in kinds {
        match left.checked_sub(*weight) {
            Some(rest) => left = rest,
            None => return *kind,
        }
    }
    Kind::Chat
}

fn label(kind: Kind) -> Label {
    Label { kind, ..Label::default() }
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

fn elements(texts: &[String]) -> Vec<Value> {
    let element = |text| json!({ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } });
    texts.iter().map(element).collect()
}

fn custom(data: &Value, desc: &str) -> Value {
    let content = json!({ "Data": data.to_string(), "Desc": desc, "Ext": "", "Sound": "" });
    json!({ "MsgType": "TIMCustomElem", "MsgContent": content })
}
