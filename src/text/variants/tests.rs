use super::*;
use crate::text::fold;

#[test]
fn pinyin_of_the_whole_and_of_one() {
    let variants = variants("加微信", Technique::Pinyin).unwrap();
    assert_eq!(variants, ["jiaweixin", "jia wei xin", "jia微信", "加wei信", "加微xin"]);
}

#[test]
fn parts_of_one() {
    assert_eq!(variants("加强", Technique::Parts).unwrap(), ["力口强", "加弓虽"]);
    assert_eq!(variants("一", Technique::Parts), Err(Refusal::NoParts));
}

#[test]
fn every_known_part_is_folded_and_no_character_is_its_own() {
    for pair in PARTS.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.split(' '))
    {
        assert_eq!(fold(pair), pair);
        let first = pair.chars().next().unwrap();
        assert!(
            pair.chars().count() > 2 && !pair.chars().skip(1).any(|part| part == first),
            "{pair}"
        );
    }
}

#[test]
fn words_backwards() {
    assert_eq!(variants("scummy", Technique::Reversed).unwrap(), ["ymmucs"]);
    assert_eq!(variants("level", Technique::Reversed).unwrap(), [""; 0]);
    // A vowel sign cannot begin a word.
    assert_eq!(variants("हिन्दी", Technique::Reversed).unwrap(), ["द\u{94d}निह"]);
    for short in ["scum", "加微信加微", "ab cd ef"] {
        assert_eq!(variants(short, Technique::Reversed), Err(Refusal::ShortReversed));
    }
}

#[test]
fn what_ordinary_speech_runs_into_is_refused() {
    assert_eq!(variants("微信", Technique::Pinyin), Err(Refusal::ShortPinyin));
    assert_eq!(variants("vx信", Technique::Pinyin), Err(Refusal::NotHan));
    assert_eq!(variants("加微信", Technique::Initials), Err(Refusal::Initials));
    assert_eq!(variants("加微信", Technique::Homophones), Err(Refusal::Homophones));
}
