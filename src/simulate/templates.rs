//! What viewers of live rooms write: made up for this project, mild on purpose.
//!
//! `«…»` marks the part of a text that tells, which evaders disguise; `{…}` is filled in. Beside
//! each kind of abuse stand innocent texts that look a little like it: rules that are too broad
//! show there.

use super::traffic::Kind;

/// The texts of one kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Texts {
    /// To be stopped.
    pub(super) bad: &'static [&'static str],
    /// To be delivered, much as they look like the others.
    pub(super) fine: &'static [&'static str],
}

pub(super) const fn of(kind: Kind) -> Texts {
    match kind {
        Kind::Contact => CONTACT,
        Kind::Number => NUMBER,
        Kind::Link => LINK,
        Kind::Gambling => GAMBLING,
        Kind::Loan => LOAN,
        Kind::Scam => SCAM,
        Kind::Boosting => BOOSTING,
        Kind::Rude => RUDE,
        Kind::Repetition => REPETITION,
        Kind::Flood => FLOOD,
        _ => CHAT,
    }
}

pub(super) const NAMES: &[&str] =
    &["小雨", "阿杰", "琳琳", "老王", "maria", "tom", "yuki", "ken", "nana", "大熊"];
pub(super) const SONGS: &[&str] =
    &["晴天", "稻香", "海阔天空", "小幸运", "yesterday", "imagine", "hallelujah", "红豆"];
pub(super) const GIFTS: &[(&str, u32, &str)] = &[
    ("rose", 1, "送出了玫瑰"),
    ("heart", 5, "送出了爱心"),
    ("beer", 10, "sent a beer"),
    ("crown", 199, "送出了皇冠"),
    ("rocket", 2000, "sent a rocket"),
];
pub(super) const DEAR_GIFTS: &[&str] = &["rocket", "castle", "yacht"];
/// Said wrong, and then right.
pub(super) const CORRECTIONS: &[(&str, &str)] = &[
    ("主播今天好漂酿", "主播今天好漂亮"),
    ("这首个叫什么", "这首歌叫什么"),
    ("what sogn is this", "what song is this"),
    ("gerat stream tonight", "great stream tonight"),
    ("名天几点开播", "明天几点开播"),
];

const CHAT: Texts = Texts {
    bad: &[],
    fine: &[
        "主播今天好美",
        "这首歌叫什么名字",
        "来了来了",
        "{name}晚上好",
        "666",
        "太好听了吧",
        "第一次来，关注了",
        "唱一首{song}吧",
        "这个滤镜好自然",
        "主播吃饭了吗",
        "从广东来的举手",
        "声音有点小，能大一点吗",
        "是我卡还是主播卡",
        "笑死我了",
        "下次几点开播",
        "刚下班就赶过来了",
        "弹幕护体",
        "这件衣服显瘦，有黑色吗",
        "M码还有货吗",
        "已经拍了，谢谢主播",
        "家里两只猫都在看你",
        "今天 {small} 度，冷死了",
        "主播的口音好可爱",
        "打卡第 {small} 天",
        "what song is this",
        "hello from brazil",
        "gg wp",
        "LETS GOOO",
        "she is so talented",
        "volume up please",
        "first time here, followed",
        "lol that was close",
        "play {song} next",
        "can you say hi to {name}",
        "the lighting looks great today",
        "how long have you been playing guitar",
        "which mic do you use",
        "good night everyone",
        "that boss took me {small} tries",
        "love this community",
    ],
};

const CONTACT: Texts = Texts {
    bad: &[
        "想看更多«加薇信»哦",
        "主播不方便说，«加微信»细聊",
        "«私加我»，给你看完整版",
        "粉丝群在«微信»，福利天天有",
        "这里不让发，«加我微»{handle}",
        "«加v信»{handle}领资料",
        "«加扣扣»拉你进群",
        "«vx：{handle}»",
        "«QQ号 {account}»进群领皮肤",
        "姐妹们«换个平台看»更清楚",
        "点我头像，«主页有惊喜»",
        "加«绿泡泡»{handle}聊",
        "«add my whatsapp» for the full show",
        "more pics, «add me on telegram»",
        "hey handsome, «dm me for more»",
        "«text me on whatsapp» honey",
        "«telegram: {handle}»",
        "«add my wechat» if you are in town",
    ],
    fine: &[
        "微信支付成功了，谢谢主播",
        "用微信分享给朋友啦",
        "微信登录一直转圈怎么办",
        "微信红包雨几点开始",
        "我是从微信读书过来的",
        "微信怎么绑定手机",
        "薇娅今天也好美",
        "信我，加油就对了",
        "my wechat keeps crashing",
        "the telegram app is slow today",
        "can i pay with wechat pay",
    ],
};

const NUMBER: Texts = Texts {
    bad: &[
        "找我 «{phone}»",
        "电话«{phone}»随时打",
        "联系«{phone}»李姐",
        "同号«{phone}»",
        "call me «{phone}»",
        "my number is «{phone}»",
        "招主播，日结，«{phone}»",
    ],
    fine: &[
        "主播粉丝 100000 了",
        "今天 2026-11-24 直播到几点",
        "这件 299 两件 499 吗",
        "比分 108:103 太刺激了",
        "1080p 60fps 真清楚",
        "20:30 准时开播",
        "level {small} at 3am lol",
        "{small}00 people watching wow",
        "圆周率 3.14159 我都背得出来",
    ],
};

const LINK: Texts = Texts {
    bad: &[
        "看这里 «http://{host}/live»",
        "免费看 «www.{host}»",
        "高清资源 «https://{host}/v/{small}»",
        "点开领红包 «http://{host}/hb»",
        "full video at «https://{host}/full»",
        "free skins: «www.{host}/skins»",
        "watch here «http://{host}»",
    ],
    fine: &[
        "活动在 https://live.example.com/event/{small}",
        "等一下。我马上来",
        "node.js 真好用",
        "v2.13.1 什么时候更新",
        "3.5 折真的吗",
        "ok...see you tomorrow",
        "i.e. the red one",
        "rules are at https://www.example.com/rules",
    ],
};

const GAMBLING: Texts = Texts {
    bad: &[
        "澳门新葡«首存送»彩金，日结",
        "注册«送彩金»888，提款秒到",
        "«网上真钱棋牌»，随时下分",
        "«百家乐平台»开户就送",
        "«时时彩计划»，跟上就赚",
        "best «online casino» tonight",
        "«free spins no deposit», hurry",
        "«sure win bets» in my group",
        "my «casino» doubles your deposit bonus",
    ],
    fine: &[
        "这个彩金色的灯好看",
        "学校棋牌比赛明天开始",
        "casinova is such a funny nickname",
        "这把赢了请大家喝奶茶",
        "deposit the trophy on the shelf",
        "彩虹色的头发好酷",
    ],
};

const LOAN: Texts = Texts {
    bad: &[
        "«无抵押贷款»，秒到账",
        "«征信花也能下款»，找我",
        "«黑户»也能下款，当天到",
        "急用钱？«秒批»三万额度",
        "«校园贷找我»，利息低",
        "«instant loan», no credit check",
        "«payday loans» today",
        "«loan approved in minutes», ask me",
    ],
    fine: &[
        "学校教我们识别校园贷，无抵押贷款千万别碰",
        "can you loan me your charger",
        "房贷终于还完了",
        "he is on loan from the other team",
        "贷款买的吉他，值了",
    ],
};

const SCAM: Texts = Texts {
    bad: &[
        "«刷礼物返现»，名额不多",
        "送礼物给我，«十倍返还»",
        "«充值返利找我»",
        "«代充»八五折扣",
        "«send 1 get 10 back», today only",
        "«double your coins» with me",
        "«free coins generator», works every time",
    ],
    fine: &[
        "谢谢老板送的礼物",
        "礼物特效太好看了",
        "这个折扣什么时候结束",
        "充值了一百，冲啊",
        "i got my coins back, thanks",
        "send love from brazil",
    ],
};

const BOOSTING: Texts = Texts {
    bad: &[
        "低价«代练»，上分接单",
        "«代练上分»，包上王者",
        "«代打»排位，一星五块",
        "«刷粉»刷人气，便宜",
        "«买粉»找我，一千粉十块",
        "cheap «rank boosting», any server",
        "«elo boost» service is open",
        "«buy followers» cheap and fast",
    ],
    fine: &[
        "自己打上分太难了",
        "练了三年，代表作终于出来了",
        "this song is a mood booster",
        "主播教我上分吧",
        "my followers are the best",
        "粉色好看，买一件",
    ],
};

const RUDE: Texts = Texts {
    bad: &[
        "你这个«笨蛋»，快走开",
        "主播是个«蠢货»吧",
        "打得这么烂，真是«饭桶»",
        "«滚蛋吧»，没人想看",
        "what a «moron»",
        "you are such a «dimwit»",
        "shut up «blockhead»",
        "this chat is full of «nitwits»",
    ],
    fine: &[
        "周末去笨蛋岛玩",
        "oxymorons are figures of speech",
        "我好笨，又按错了",
        "鸡蛋饼真好吃",
        "饭桶里还有饭吗",
        "my witty friend sent me here",
    ],
};

const REPETITION: Texts = Texts {
    bad: &["点我头像", "关注我吧", "求回关", "买它买它", "follow me ", "buy now ", "check bio "],
    fine: &[
        "哈哈哈哈哈哈哈哈哈哈哈哈哈哈",
        "啊啊啊啊啊啊啊啊啊啊啊啊啊",
        "冲冲冲冲冲冲",
        "gooooooooooooooooal",
        "好好好好好好",
        "nooooooooooooo",
    ],
};

const FLOOD: Texts = Texts {
    bad: &["主播看我看我", "求主播念一下我的名字", "notice me please", "有没有人一起玩"],
    fine: &[],
};
