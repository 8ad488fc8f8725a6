//! Every role on well-known palettes: what is painted can be read there, however much of them the terminal tells.

use super::surroundings::LINUX;
use super::*;

/// Name, background, text, and the sixteen, as their authors publish them.
const PALETTES: [(&str, u32, u32, [u32; 16]); 13] = [
    ("Solarized dark", 0x00_2b36, 0x83_9496, SOLARIZED),
    ("Solarized light", 0xfd_f6e3, 0x65_7b83, SOLARIZED),
    (
        "Gruvbox dark",
        0x28_2828,
        0xeb_dbb2,
        [
            0x28_2828, 0xcc_241d, 0x98_971a, 0xd7_9921, 0x45_8588, 0xb1_6286, 0x68_9d6a, 0xa8_9984,
            0x92_8374, 0xfb_4934, 0xb8_bb26, 0xfa_bd2f, 0x83_a598, 0xd3_869b, 0x8e_c07c, 0xeb_dbb2,
        ],
    ),
    (
        "Gruvbox light",
        0xfb_f1c7,
        0x3c_3836,
        [
            0xfb_f1c7, 0xcc_241d, 0x98_971a, 0xd7_9921, 0x45_8588, 0xb1_6286, 0x68_9d6a, 0x7c_6f64,
            0x92_8374, 0x9d_0006, 0x79_740e, 0xb5_7614, 0x07_6678, 0x8f_3f71, 0x42_7b58, 0x3c_3836,
        ],
    ),
    (
        "Dracula",
        0x28_2a36,
        0xf8_f8f2,
        [
            0x21_222c, 0xff_5555, 0x50_fa7b, 0xf1_fa8c, 0xbd_93f9, 0xff_79c6, 0x8b_e9fd, 0xf8_f8f2,
            0x62_72a4, 0xff_6e6e, 0x69_ff94, 0xff_ffa5, 0xd6_acff, 0xff_92df, 0xa4_ffff, 0xff_ffff,
        ],
    ),
    (
        "Nord",
        0x2e_3440,
        0xd8_dee9,
        [
            0x3b_4252, 0xbf_616a, 0xa3_be8c, 0xeb_cb8b, 0x81_a1c1, 0xb4_8ead, 0x88_c0d0, 0xe5_e9f0,
            0x4c_566a, 0xbf_616a, 0xa3_be8c, 0xeb_cb8b, 0x81_a1c1, 0xb4_8ead, 0x8f_bcbb, 0xec_eff4,
        ],
    ),
    (
        "One Dark",
        0x28_2c34,
        0xab_b2bf,
        [
            0x28_2c34, 0xe0_6c75, 0x98_c379, 0xe5_c07b, 0x61_afef, 0xc6_78dd, 0x56_b6c2, 0xab_b2bf,
            0x5c_6370, 0xe0_6c75, 0x98_c379, 0xe5_c07b, 0x61_afef, 0xc6_78dd, 0x56_b6c2, 0xff_ffff,
        ],
    ),
    (
        "Tomorrow Night",
        0x1d_1f21,
        0xc5_c8c6,
        [
            0x1d_1f21, 0xcc_6666, 0xb5_bd68, 0xf0_c674, 0x81_a2be, 0xb2_94bb, 0x8a_beb7, 0xc5_c8c6,
            0x96_9896, 0xcc_6666, 0xb5_bd68, 0xf0_c674, 0x81_a2be, 0xb2_94bb, 0x8a_beb7, 0xff_ffff,
        ],
    ),
    (
        "Monokai",
        0x27_2822,
        0xf8_f8f2,
        [
            0x27_2822, 0xf9_2672, 0xa6_e22e, 0xf4_bf75, 0x66_d9ef, 0xae_81ff, 0xa1_efe4, 0xf8_f8f2,
            0x75_715e, 0xf9_2672, 0xa6_e22e, 0xf4_bf75, 0x66_d9ef, 0xae_81ff, 0xa1_efe4, 0xf9_f8f5,
        ],
    ),
    (
        "Catppuccin Latte",
        0xef_f1f5,
        0x4c_4f69,
        [
            0x5c_5f77, 0xd2_0f39, 0x40_a02b, 0xdf_8e1d, 0x1e_66f5, 0xea_76cb, 0x17_9299, 0xac_b0be,
            0x6c_6f85, 0xd2_0f39, 0x40_a02b, 0xdf_8e1d, 0x1e_66f5, 0xea_76cb, 0x17_9299, 0xbc_c0cc,
        ],
    ),
    (
        "Catppuccin Mocha",
        0x1e_1e2e,
        0xcd_d6f4,
        [
            0x45_475a, 0xf3_8ba8, 0xa6_e3a1, 0xf9_e2af, 0x89_b4fa, 0xf5_c2e7, 0x94_e2d5, 0xba_c2de,
            0x58_5b70, 0xf3_8ba8, 0xa6_e3a1, 0xf9_e2af, 0x89_b4fa, 0xf5_c2e7, 0x94_e2d5, 0xa6_adc8,
        ],
    ),
    (
        "xterm",
        0xff_ffff,
        0x00_0000,
        [
            0x00_0000, 0xcd_0000, 0x00_cd00, 0xcd_cd00, 0x00_00ee, 0xcd_00cd, 0x00_cdcd, 0xe5_e5e5,
            0x7f_7f7f, 0xff_0000, 0x00_ff00, 0xff_ff00, 0x5c_5cff, 0xff_00ff, 0x00_ffff, 0xff_ffff,
        ],
    ),
    (
        "VGA",
        0x00_0000,
        0xaa_aaaa,
        [
            0x00_0000, 0xaa_0000, 0x00_aa00, 0xaa_5500, 0x00_00aa, 0xaa_00aa, 0x00_aaaa, 0xaa_aaaa,
            0x55_5555, 0xff_5555, 0x55_ff55, 0xff_ff55, 0x55_55ff, 0xff_55ff, 0x55_ffff, 0xff_ffff,
        ],
    ),
];
const SOLARIZED: [u32; 16] = [
    0x07_3642, 0xdc_322f, 0x85_9900, 0xb5_8900, 0x26_8bd2, 0xd3_3682, 0x2a_a198, 0xee_e8d5, 0x00_2b36,
    0xcb_4b16, 0x58_6e75, 0x65_7b83, 0x83_9496, 0x6c_71c4, 0x93_a1a1, 0xfd_f6e3,
];
const DEPTHS: [Depth; 3] = [Depth::Sixteen, Depth::Cube, Depth::True];

fn rgb(number: u32) -> Rgb {
    let [_, red, green, blue] = number.to_be_bytes();
    Rgb(red, green, blue)
}

/// Every palette, as a terminal that has it.
fn terminals() -> impl Iterator<Item = (&'static str, Colours)> {
    PALETTES.into_iter().map(|(name, background, foreground, sixteen)| {
        let palette = sixteen.map(|colour| Some(rgb(colour)));
        (name, Colours { background: Some(rgb(background)), foreground: Some(rgb(foreground)), palette })
    })
}

/// What a terminal of these colours paints.
fn painted(colour: Option<Color>, has: Colours) -> Rgb {
    let painted = match colour {
        None | Some(Color::Reset) => has.foreground,
        Some(Color::Rgb(red, green, blue)) => Some(Rgb(red, green, blue)),
        Some(Color::Indexed(index)) => colour::indexed(index),
        Some(named) => has.palette[colour::number_of(named).unwrap()],
    };
    painted.unwrap()
}

/// Holds every role against the background that the terminal really has, and against the selection.
fn check(what: &str, theme: &Theme, has: Colours, (text, quiet): (f64, f64)) {
    let background = has.background.unwrap();
    let own = has.foreground.unwrap().ratio(background);
    let base = theme.base.fg;
    for role in Role::ALL.iter().filter(|role| role.rank() != Rank::Behind) {
        let style = role.of(theme);
        let colour = style.fg.or(base);
        // The terminal's own text is as it is, where it can't be told another colour.
        let least = if role.rank() == Rank::Quiet { quiet } else { text };
        let least = if colour.is_none() { least.min(own) } else { least };
        let mut grounds = vec![background];
        for band in [theme.selection, theme.selection_dim] {
            grounds.extend(band.bg.map(|band| painted(Some(band), has)));
        }
        for ground in grounds {
            let ratio = painted(colour, has).ratio(ground);
            assert!(ratio >= least, "{what}: {} is {colour:?}, {ratio:.2}:1 on {ground:?}", role.name());
        }
        assert!(!style.add_modifier.contains(Modifier::DIM), "{what}: {} is dim", role.name());
    }
    let selects = |style: Style| style.bg.is_some() || !style.add_modifier.is_empty();
    assert!(selects(theme.selection) && selects(theme.selection_dim), "{what}");
}

fn least_of(choice: Choice) -> (f64, f64) {
    if choice == Choice::HighContrast { (7.0, 4.5) } else { (4.5, 3.0) }
}

fn coloured() -> impl Iterator<Item = (&'static str, Choice)> {
    Choice::NAMES.into_iter().filter(|(_, choice)| *choice != Choice::Mono)
}

#[test]
fn every_role_can_be_read_where_the_terminal_tells_its_colours() {
    for (palette, has) in terminals() {
        for depth in DEPTHS {
            let around = Surroundings { colours: has, depth, ..Surroundings::default() };
            for (name, choice) in coloured() {
                let what = format!("{name} on {palette}, {depth:?}");
                check(&what, &Theme::for_terminal(choice, around), has, least_of(choice));
            }
        }
    }
}

/// tmux tells the background, and none of the sixteen.
#[test]
fn every_role_can_be_read_where_the_background_alone_is_told() {
    for (palette, has) in terminals() {
        for depth in DEPTHS {
            let colours = Colours { background: has.background, ..Colours::default() };
            let around = Surroundings { colours, depth, ..Surroundings::default() };
            for (name, choice) in coloured() {
                let what = format!("{name} on {palette}, {depth:?}");
                let theme = Theme::for_terminal(choice, around);
                for role in Role::ALL {
                    let fg = role.of(&theme).fg;
                    assert!(fg.is_none_or(|fg| colour::number_of(fg).is_none()), "{what}: {fg:?}");
                }
                check(&what, &theme, has, least_of(choice));
            }
        }
    }
}

#[test]
fn every_role_can_be_read_where_only_the_environment_tells() {
    for (palette, has) in terminals() {
        let light = has.background.unwrap().is_light();
        for depth in DEPTHS {
            let around = Surroundings { light_by_environment: Some(light), depth, ..Surroundings::default() };
            for choice in [Choice::Auto, Choice::ColourSafe, Choice::HighContrast] {
                let what = format!("{choice:?} on {palette}, {depth:?}");
                check(&what, &Theme::for_terminal(choice, around), has, least_of(choice));
            }
        }
    }
}

#[test]
fn where_nothing_is_known_nothing_is_painted() {
    for depth in DEPTHS {
        let around = Surroundings { depth, ..Surroundings::default() };
        for choice in [Choice::Auto, Choice::ColourSafe, Choice::HighContrast] {
            let theme = Theme::for_terminal(choice, around);
            for role in Role::ALL {
                let style = role.of(&theme);
                assert!(style.fg.is_none() && style.bg.is_none(), "{role:?}");
                assert!(!style.add_modifier.contains(Modifier::DIM), "{role:?}");
            }
        }
    }
}

/// A person who names the background on a terminal that tells nothing is believed, but for the greys.
#[test]
fn who_says_that_it_is_dark_is_believed() {
    let theme = Theme::for_terminal(Choice::Dark, Surroundings::default());
    assert_eq!(theme.danger, Theme::dark().danger);
    assert_eq!((theme.muted.fg, theme.border.fg), (None, None));
}

/// A palette whose colours can be read is used as it is, and told by its short codes.
#[test]
fn what_can_be_read_is_the_terminals_own() {
    for (palette, has) in terminals().filter(|(name, _)| *name == "Dracula") {
        let around = Surroundings { colours: has, depth: Depth::Cube, ..Surroundings::default() };
        assert_eq!(Theme::for_terminal(Choice::Auto, around), Theme::dark(), "{palette}");
    }
}

/// Solarized's bright colours are greys: its hues are taken, and what is good does not look like what is bad.
#[test]
fn a_role_keeps_its_hue() {
    for (palette, has) in terminals() {
        for depth in DEPTHS {
            let around = Surroundings { colours: has, depth, ..Surroundings::default() };
            let theme = Theme::for_terminal(Choice::Auto, around);
            for role in [Role::Success, Role::Danger] {
                let Some(colour) = role.of(&theme).fg else { continue };
                let Rgb(red, green, _) = painted(Some(colour), has);
                let right =
                    if role == Role::Success { u16::from(green) + 8 >= u16::from(red) } else { red > green };
                assert!(right, "{palette} {depth:?}: {} is {colour:?}", role.name());
            }
        }
    }
}

/// In some schemes the greys are brighter than text, or darker.
#[test]
fn what_is_of_third_rank_stands_out_no_more_than_text() {
    for (palette, has) in terminals() {
        let background = has.background.unwrap();
        for depth in DEPTHS {
            let around = Surroundings { colours: has, depth, ..Surroundings::default() };
            let theme = Theme::for_terminal(Choice::Auto, around);
            let ratio = |style: Style| painted(style.fg.or(theme.base.fg), has).ratio(background);
            // The cube has no colour between some.
            let most = ratio(theme.base) + if depth == Depth::Cube { 0.7 } else { 0.01 };
            for role in [Role::Subtle, Role::Muted, Role::Border] {
                let found = ratio(role.of(&theme));
                assert!(found <= most, "{palette} {depth:?}: {} has {found:.2}, text {most:.2}", role.name());
            }
        }
    }
}

#[test]
fn the_linux_console_is_known_without_an_answer() {
    let around = Surroundings::from_environment(|name| (name == "TERM").then(|| "linux".to_owned()));
    let theme = Theme::for_terminal(Choice::Auto, around);
    check("linux", &theme, LINUX, (4.5, 3.0));
    assert_eq!(theme.success.fg, Some(Color::LightGreen));
    assert_eq!(theme.muted.fg, None, "its grey is too dark");
}

#[test]
fn no_color_outranks_every_choice_and_has_no_colour() {
    for (_, has) in terminals() {
        let around =
            Surroundings { colours: has, no_color: true, depth: Depth::True, ..Surroundings::default() };
        for (_, choice) in Choice::NAMES {
            let theme = Theme::for_terminal(choice, around);
            assert!(Role::ALL.iter().all(|role| {
                let style = role.of(&theme);
                style.fg.is_none() && style.bg.is_none()
            }));
            assert!(theme.selection.add_modifier.contains(Modifier::REVERSED));
        }
    }
}

/// Dim text is about half of the way to the background: too little where text itself is pale.
#[test]
fn dim_text_is_given_up_where_it_can_not_be_read() {
    let dim = |palette: &str| {
        let (_, colours) = terminals().find(|(name, _)| *name == palette).unwrap();
        let around = Surroundings { colours, ..Surroundings::default() };
        Theme::for_terminal(Choice::Mono, around).muted.add_modifier.contains(Modifier::DIM)
    };
    assert!(dim("xterm") && !dim("Solarized dark"));
}

#[test]
fn light_and_dark_come_from_the_terminal_then_the_environment() {
    let with = |background: Option<Rgb>, fgbg: Option<&str>| {
        let around = Surroundings::from_environment(|name| {
            (name == "COLORFGBG").then(|| fgbg.map(str::to_owned)).flatten()
        });
        around.with(Colours { background, ..Colours::default() }).light()
    };
    assert_eq!(with(None, None), None);
    assert_eq!(with(Some(Rgb(250, 250, 240)), Some("15;0")), Some(true));
    assert_eq!(with(None, Some("0;15")), Some(true));
    assert_eq!(with(None, Some("15;default;0")), Some(false));
    assert_eq!(with(None, Some("rubbish")), None);
}

#[test]
fn the_colour_safe_theme_uses_neither_red_nor_green() {
    for theme in [Theme::colour_safe(true), Theme::colour_safe(false)] {
        for role in Role::ALL {
            assert!(!matches!(
                role.of(&theme).fg,
                Some(Color::Red | Color::Green | Color::LightRed | Color::LightGreen)
            ));
        }
    }
}
