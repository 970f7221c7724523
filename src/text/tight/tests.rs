use super::*;
use crate::text::fold;

/// The stretch of `text` that the tight view finds for `term`.
fn found(text: &str, term: &str, severe: bool) -> Option<String> {
    let entry = TightEntry::new(&fold(term), severe)?;
    let mut forms = vec![entry.clone()];
    if severe {
        forms.extend(entry.starred());
    }
    let mut plain = View::default();
    plain.push(0, text, false);
    let mut tight = Tight::default();
    tight.fold(&plain, true);
    forms.iter().find_map(|form| {
        let hits = tight.text().match_indices(form.pattern());
        let mut ranges = hits.map(|(at, hit)| at..at + hit.len());
        let stretch = ranges.find_map(|range| tight.verify(&plain, range, form))?;
        let span = plain.spans(stretch).next()?;
        text.get(span.range).map(str::to_owned)
    })
}

#[track_caller]
fn check(text: &str, term: &str, original: &str) {
    assert_eq!(found(text, term, false).as_deref(), Some(original), "{term} in {text:?}");
}

#[track_caller]
fn check_severe(text: &str, term: &str, original: &str) {
    assert_eq!(found(text, term, false), None, "{term} in {text:?}, not severe");
    assert_eq!(found(text, term, true).as_deref(), Some(original), "{term} in {text:?}");
}

#[track_caller]
fn check_none(text: &str, term: &str) {
    assert_eq!(found(text, term, false), None, "{term} in {text:?}");
}

#[test]
fn look_alikes_are_letters() {
    check("you sсum!", "scum", "sсum");
    check("ѕсuм of", "scum", "ѕсuм");
    check("a ꜱᴄᴜᴍ b", "scum", "ꜱᴄᴜᴍ");
    check("ʌıʌɐ", "viva", "ʌıʌɐ");
    check("σνєя", "over", "σνєя");
    check("on TeIegram", "telegram", "TeIegram");
    check("１ kiII", "kill", "kiII");
    check_none("on teiegram", "telegram");
    check_none("the taIL", "tali");
    check("блять", "блять", "блять");
    check("6лять бляtь", "блять", "6лять");
    check("ѕһіт", "shit", "ѕһіт");
    check("ꜱʜɪᴛ ʏᴏᴜ ᴀʀᴇ", "shit", "ꜱʜɪᴛ");
    check("ты ѕhiт", "shit", "ѕhiт");
    check_none("хороший рост сосна", "poct");
}

#[test]
fn phrases_are_their_words() {
    let phrase = "sure win bets";
    for typed in [
        "ѕure wіn bеtѕ",
        "sure w1n bets",
        "suure winn bets",
        "sure-win-bets",
        "s u r e w i n b e t s",
        "s u r e   w i n   b e t s",
        "s*u*r*e* *w*i*n* *b*e*t*s",
        "s❤u❤r❤e❤ ❤w❤i❤n❤ ❤b❤e❤t❤s",
        "SURE  WIN\u{200b} BETS",
    ] {
        check(&format!("get {typed} today"), phrase, typed);
    }
    check("frее cоins gеnеrаtоr", "free coins generator", "frее cоins gеnеrаtоr");
    check("h0t tea", "hot tea", "h0t tea");
    for typed in [
        "sure. win bets",
        "sure, win bets",
        "surewinbets",
        "sur ewin bets",
        "unsure win bets",
        "sure win betsy",
        "sure! win bets",
        "su re win bets",
        "sure w i n bets",
    ] {
        check_none(&format!("get {typed} today"), phrase);
    }
    check_none("a therapist", "the rapist");
    check_none("sure! please wait", "i please wait");
    check_none("girl! you there", "girl you there");
    check_none("в сад уш", "b cad yw");
    assert!(TightEntry::new("a b c d", false).is_none(), "too short");
    assert!(TightEntry::new("top 10 bets", false).is_none(), "numbers are no letters");
}

#[test]
fn leet_is_letters() {
    check("sh1tty 5cum", "scum", "5cum");
    check("b00bs", "boobs", "b00bs");
    check("@ssh0le!!", "asshole", "@ssh0le");
    check("a55h0le", "asshole", "a55h0le");
    check("he1l", "hell", "he1l");
    check("k1ll", "kill", "k1ll");
    check("$hit", "shit", "$hit");
    check("sh!t", "shit", "sh!t");
    check_none("1055", "loss");
    check_none("the ball", "bail");
    check_none("kiii", "kill");
    check_none("hel! ", "hell");
    check_none("call 5005 now", "soos");
}

#[test]
fn letters_set_apart_belong_together() {
    check("you s c u m!", "scum", "s c u m");
    check("s.c.u.m", "scum", "s.c.u.m");
    check("s-c-u-m", "scum", "s-c-u-m");
    check("s|c|u|m", "scum", "s|c|u|m");
    check("s . c . u . m", "scum", "s . c . u . m");
    check("sc_um", "scum", "sc_um");
    check("sc*um", "scum", "sc*um");
    check("s❤c❤u❤m", "scum", "s❤c❤u❤m");
    check("i  s c u m", "scum", "s c u m");
    check("i s c u m", "scum", "s c u m");
    check("don't s c u m", "scum", "s c u m");
    check("s c uuu m", "scum", "s c uuu m");
    check("scuuuum", "scum", "scuuuum");
    check("sccum", "scum", "sccum");
    check("asssshole", "asshole", "asssshole");
    check_none("ashole", "asshole");
    check_none("loner", "lonner");
}

#[test]
fn masked_letters_are_guessed_for_severe_entries() {
    check_severe("sc*m", "scum", "sc*m");
    check_severe("s**m!", "scum", "s**m");
    check_severe("a##hole", "asshole", "a##hole");
    check_none("s*m", "scum");
    assert_eq!(found("5#17", "shit", true), None);
    assert_eq!(found("s***m", "scum", true), None);
    assert_eq!(found("sxxm", "scum", true), None);
}

#[test]
fn ordinary_words_are_not_disguises() {
    for (text, term) in [
        ("as sass in", "asss"),
        ("as sass in", "sassin"),
        ("cars exploded", "sexp"),
        ("cars exploded", "sexplode"),
        ("Scunthorpe United", "cunt"),
        ("assessment of the class", "asse"),
        ("classic bass", "lass"),
        ("who're you", "whore"),
        ("he'll come", "hell"),
        ("we'll see", "well"),
        ("the pen.is here", "penis"),
        ("put the pen is mightier", "penis"),
        ("his/her", "hisher"),
        ("so, in g", "soing"),
        ("c l a s s", "lass"),
        ("p i r a t e s", "rates"),
        ("g.r.a.p.e", "rape"),
        ("be\na\nd", "bead"),
        ("user_pen_is_x", "penis"),
        ("sh it happens", "shit"),
        ("wish it", "shit"),
        ("mishit", "shit"),
        ("as.sets.com", "asse"),
    ] {
        check_none(text, term);
    }
}

#[test]
fn han_set_apart_belong_together() {
    check("加 微 信", "加微信", "加 微 信");
    check("来加*微*信吧", "加微信", "加*微*信");
    check("来加😂微😂信吧", "加微信", "加😂微😂信");
    check("加，微，信", "加微信", "加，微，信");
    check("加\n微\n信", "加微信", "加\n微\n信");
    check("来加|微|信吧", "加微信", "加|微|信");
    check_none("早操!你好", "操你");
    check("微 信", "微信", "微 信");
    check("来微*信吧", "微信", "微*信");
    check("来微·信吧", "微信", "微·信");
    check("来微#信吧", "微信", "微#信");
    // Faces, topics and people have a symbol of their own.
    for text in ["微[信好]吧", "说<微>信任", "#小微#信好的", "稍微@信哥", "低微#信好#"]
    {
        check_none(text, "微信");
    }
    // Words on either side.
    for (text, term) in [("女性·交友", "性交"), ("参加 群里", "加群"), ("微 信用卡", "微信")]
    {
        check_none(text, term);
    }
    check("加微微微信", "加微信", "加微微微信");
    check("加加微微信信", "加微信", "加加微微信信");
    check("来微 信吧", "微信", "微 信");
    check("来微\n信吧", "微信", "微\n信");
    check("加微 信", "加微信", "加微 信");
    check_none("更加微 信用", "加微信");
    check_severe("加微😂信", "加微信", "加微😂信");
    check_severe("加v微x信", "加微信", "加v微x信");
    check_none("看看书", "看书");
    check("看看", "看看", "看看");
    check_none("早操 你好", "操你");
    check_none("早操😂你好", "操你");
    check_none("早操，你好", "操你");
    check_none("早操！你好", "操你");
    check_none("三黄鸡 片 儿", "黄片");
    check_none("卖三黄鸡，片好了", "黄片");
    check_none("加微，信我", "加微信");
    check_none("加    微    信", "加微信");
}

#[test]
fn short_or_mixed_terms_are_not_fit() {
    for term in ["ass", "黄", "vx123", "加v", "a b c d", "", "1234", "加 微"] {
        assert_eq!(TightEntry::new(&fold(term), true), None, "{term}");
    }
}

#[test]
fn fields_stay_apart() {
    let entry = TightEntry::new("scum", false).unwrap();
    let hits = |joined| {
        let mut plain = View::default();
        plain.push(0, "s c", false);
        plain.push(1, " u m", joined);
        let mut tight = Tight::default();
        tight.fold(&plain, true);
        let at = tight.text().find(entry.pattern());
        at.and_then(|at| tight.verify(&plain, at..at + 4, &entry))
    };
    assert_eq!(hits(true), Some(0..7));
    assert_eq!(hits(false), None);
}
