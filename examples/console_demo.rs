//! throw-away
use deeds::console::{
    action::Action,
    glyphs,
    keymap::{Context, Keymap},
    keys::Key,
    message::*,
    run::*,
    theme::*,
    widgets::{self, *},
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use std::time::{SystemTime, UNIX_EPOCH};
struct Demo {
    list: list::ListState,
    keymap: Keymap,
    theme: Theme,
    help: bool,
    palette: Option<picker::Picker<Action>>,
    now: i64,
    epoch: u64,
    modal: Option<modal::Buttons>,
    said: String,
}
static COLS: [table::Column; 5] = [
    table::Column::exact("DUE", 7).right(),
    table::Column::exact("Q", 4).rank(3),
    table::Column::exact("FROM", 10).rank(1),
    table::Column::fill("CASE", 16, 1),
    table::Column::exact("", 3).rank(2),
];
impl Program for Demo {
    type Server = ();
    type Effect = ();
    fn focus_epoch(&self) -> u64 {
        self.epoch
    }
    fn update(&mut self, m: Message<()>) -> Vec<Effect<()>> {
        match m {
            Message::Key(t) => {
                let key: Key = t.key.into();
                if let Some(p) = &mut self.palette {
                    match self.keymap.action(Context::Picker, key) {
                        Some(Action::Close | Action::Submit) => self.palette = None,
                        Some(a) => {
                            p.apply(a);
                        }
                        None => p.key(t.key),
                    }
                    return vec![];
                }
                if let Some(b) = &mut self.modal {
                    match self.keymap.action(Context::Preview, key) {
                        Some(Action::Close | Action::Confirm) => {
                            self.modal = None;
                            self.said =
                                "Expanded follow-up to reply.legal: map v42, 4 cases settled · u undoes"
                                    .into();
                        }
                        Some(Action::NextPane) => b.step(true),
                        _ => {}
                    }
                    return vec![];
                }
                let Some(a) = self.keymap.action(Context::Inbox, key) else { return vec![] };
                if self.list.apply(a) {
                    self.epoch += 1;
                    return vec![];
                }
                match a {
                    Action::Quit => return vec![Effect::Quit],
                    Action::Suspend => return vec![Effect::Suspend],
                    Action::Redraw => return vec![Effect::Redraw],
                    Action::Help => self.help = !self.help,
                    Action::Close => self.help = false,
                    Action::Expand => self.modal = Some(modal::Buttons::safe_first(["cancel", "expand"])),
                    Action::Palette => {
                        self.palette = Some(picker::Picker::new(
                            "Commands",
                            Action::ALL
                                .iter()
                                .map(|a| picker::Entry {
                                    name: a.name().into(),
                                    note: a.help().into(),
                                    key: self
                                        .keymap
                                        .key_for(Context::Inbox, *a)
                                        .map(|k| k.to_string())
                                        .unwrap_or_default(),
                                    value: *a,
                                })
                                .collect(),
                        ))
                    }
                    Action::Copy => panic!("on purpose"),
                    Action::Undo => {
                        self.said = format!("{key} ahead={}", t.ahead);
                    }
                    _ => {}
                }
            }
            Message::Clock { now_micros } => self.now = now_micros,
            _ => {}
        }
        vec![]
    }
    fn view(&self, frame: &mut Frame<'_>) {
        let look = Look { theme: &self.theme, glyphs: &glyphs::UNICODE };
        let area = frame.area();
        let buf = frame.buffer_mut();
        let th = look.theme;
        if pane::Room::of(area) == pane::Room::Sentence {
            pane::draw_sentence(buf, area, look);
            return;
        }
        let s = |t: &str, st| Span::styled(t.to_owned(), st);
        chrome::two_ends(
            buf,
            area,
            look,
            Line::from(vec![
                s(" deeds", th.title),
                s("  northwind ", th.base),
                s("▸", th.muted),
                s(" inbox", th.accent),
            ]),
            &[
                Line::from(vec![s("dana ", th.base), s("(reviewer)", th.muted)]),
                Line::from(s("map v41", th.subtle)),
                Line::from(vec![s("● ", th.success), s("live ", th.base), s("12 ms", th.muted)]),
                Line::from(s("09:04 UTC ", th.base)),
            ],
        );
        let tab = |k: &str, name, count, attention| chrome::Tab { key: k.into(), name, count, attention };
        put(
            buf,
            area,
            1,
            &chrome::tabs(
                look,
                &[
                    tab("1", "inbox", Some(7), false),
                    tab("2", "log", None, false),
                    tab("3", "map", None, false),
                    tab("4", "conflicts", Some(2), true),
                ],
                0,
            ),
        );
        pane::draw_rule(buf, Rect { y: 2, ..area }, look);
        let body = Rect { y: 3, height: area.height - 5, ..area };
        let (l, w, r) =
            if area.width >= 80 { pane::split(body, 48) } else { (body, Rect::default(), Rect::default()) };
        let layout = table::Layout::new(&COLS, l.width as usize - 2);
        put_at(buf, l, 0, 2, &layout.header(look));
        let lb = Rect { y: l.y + 1, height: l.height - 1, ..l };
        list::draw(buf, lb, look, &self.list, true, |i, _| {
            let due = match i {
                0 => Line::from(s("2h10m", th.warning)),
                1 => Line::from(s("3h05m", th.base)),
                2 => Line::from(s("OVERDUE", th.danger)),
                _ => Line::from(s("19h", th.muted)),
            };
            let from = ["follow-up", "intake", "reporting", "billing"][i % 4];
            list::Row {
                line: layout.row(
                    look,
                    [
                        due,
                        Line::from(s("ops", th.muted)),
                        Line::from(s(from, th.base)),
                        Line::from(s(
                            [
                                "reply outside templates",
                                "form: \"partner enquiry\"",
                                "data gap: pipeline 14 Nov",
                                "re: invoice payment due",
                            ][i % 4],
                            th.base,
                        )),
                        Line::from(s(if i == 0 { "×4" } else { "" }, th.muted)),
                    ],
                ),
                marked: i % 5 == 2,
            }
        });
        pane::draw_wall(buf, w, look);
        let wide = r.width as usize;
        let mut lines = vec![
            Line::from(vec![
                s("#1042  ", th.accent),
                s("unmatched input", th.title),
                s("   claimed: you", th.success),
            ]),
            {
                let mut line = Line::from(vec![
                    s("from ", th.muted),
                    s("follow-up", th.base),
                    s(", 21 h ago, due in ", th.muted),
                    s("2 h 10 m  ", th.warning),
                ]);
                line.spans.extend(bars::deadline(look, 8, 80, 100).spans);
                line
            },
            Line::from(vec![s("subject ", th.muted), s("crm/contact/acme", th.base)]),
            Line::default(),
        ];
        let w8 = wide.saturating_sub(9);
        let un = |t: &str| deeds::console::untrusted::wrap(t, w8, 3, th.base, th.escaped);
        lines.extend(facts::fact(look, "INPUT", 9, un("\"We'd rather talk to your legal team about the terms\u{202e} before we sign anything, please send someone.\"")));
        lines.extend(facts::fact(look, "WHY", 9, un("reply type `legal` matches no template")));
        lines.push(Line::default());
        lines.extend(facts::fact(
            look,
            "BEFORE",
            9,
            un("09:01 intake   wrote #status new → contacted\n09:02 follow-up sent cadence 1"),
        ));
        lines.extend(facts::fact(look, "LIKE", 9, un("4 waiting, 11 answered: 9 handle, 2 expand")));
        lines.extend(facts::fact(look, "SUGGEST", 9, un("expand `follow-up` to `reply.legal`: settles 4")));
        put_lines(buf, r, &lines);
        pane::draw_rule(buf, Rect { y: area.height - 2, ..area }, look);
        let last = Rect { y: area.height - 1, height: 1, ..area };
        if self.said.is_empty() {
            put(
                buf,
                last,
                0,
                &chrome::hints(
                    look,
                    &self.keymap.hints(
                        Context::Inbox,
                        &[
                            Action::Filter,
                            Action::Expand,
                            Action::Handle,
                            Action::OutOfScope,
                            Action::Claim,
                            Action::Mark,
                            Action::Undo,
                            Action::Palette,
                            Action::Help,
                        ],
                    ),
                    area.width as usize,
                ),
            );
        } else {
            put(buf, last, 0, &chrome::said(look, chrome::Tone::Done, &self.said, area.width as usize));
        }
        if self.help {
            let ls = help::lines(look, &self.keymap, Context::Inbox);
            let inner =
                modal::Frame { title: "Keys of the inbox", width: 84 }.draw(buf, area, look, ls.len() as u16);
            put_lines(buf, inner, &ls);
        }
        if let Some(b) = &self.modal {
            modal::Frame { title: "Expand follow-up's scope", width: 74 }.draw_with_buttons(
                buf,
                area,
                look,
                &[
                    Line::from("grants    trigger  reply.legal"),
                    Line::from("map       v41 → v42   + follow-up.triggers reply.legal"),
                    Line::from("overlap   none"),
                    Line::from("settles   this case and 3 alike"),
                    Line::default(),
                ],
                b,
            );
        }
        let c = self.palette.as_ref().and_then(|p| p.draw(buf, area, look));
        if let Some(c) = c {
            frame.set_cursor_position(c);
        }
        let _ = widgets::thousands(3);
    }
}
#[allow(clippy::disallowed_methods)]
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64
}
fn main() {
    let rt = tokio::runtime::Runtime::new().unwrap();
    let e = rt.block_on(async {
        let o = Options { mouse: std::env::var("DEMO_MOUSE").is_ok(), synchronized: true, clock: now };
        let p = prepare(o).unwrap();
        let around = Surroundings {
            background: p.answer.background,
            ..Surroundings::from_environment(|n| std::env::var(n).ok())
        };
        let mut list = list::ListState::new();
        list.set_len(24);
        let mut d = Demo {
            list,
            keymap: Keymap::built_in(),
            theme: Theme::for_terminal(Choice::Auto, around),
            help: false,
            palette: None,
            now: 0,
            epoch: 0,
            modal: None,
            said: String::new(),
        };
        let (_tx, rx) = tokio::sync::mpsc::channel(1);
        run(&mut d, p, rx, |_| {}, o).await.unwrap()
    });
    rt.shutdown_timeout(std::time::Duration::from_millis(50));
    std::process::exit(e.exit_status().into());
}
