//! Contact numbers, however their digits are disguised.

/// Characters of the plain view, beyond ASCII, that stand for a digit.
const DIGITS: [(char, &str); 10] = [
    ('0', "〇零洞"),
    ('1', "一壹幺"),
    ('2', "二贰两俩"),
    ('3', "三叁仨"),
    ('4', "四肆"),
    ('5', "五伍"),
    ('6', "六陆"),
    ('7', "七柒拐"),
    ('8', "八捌"),
    ('9', "九玖勾"),
];

/// Every character beyond ASCII that stands for a digit.
pub(super) fn chars() -> impl Iterator<Item = char> {
    DIGITS.iter().flat_map(|(_, chars)| chars.chars())
}
